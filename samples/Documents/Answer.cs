namespace Documents;

// <answer>
public sealed class Answer
{
    public string PredictedResponse { get; set; } = "";     // text, with <image> where a picture stands

    public float[] ResponseVisualTokens { get; set; } = [];     // those pictures: N × D values each
}
// </answer>
