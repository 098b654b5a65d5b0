namespace FineTune;

/// <summary>A row with its answer.</summary>
internal sealed class Answered
{
    /// <summary>A text for each turn.</summary>
    public string[] Prompt { get; set; } = [];

    /// <summary>What the data say.</summary>
    public string[] Response { get; set; } = [];

    /// <summary>The pictures of the prompts, then those of the responses.</summary>
    public float[] VisualTokens { get; set; } = [];

    /// <summary>What the model says to the last prompt.</summary>
    public string PredictedResponse { get; set; } = "";

    /// <summary>The pictures of that answer.</summary>
    public float[] ResponseVisualTokens { get; set; } = [];

    /// <summary>Why there is no answer; empty where there is one.</summary>
    public string Error { get; set; } = "";
}
