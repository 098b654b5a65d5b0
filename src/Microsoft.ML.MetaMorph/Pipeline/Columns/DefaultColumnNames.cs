namespace Microsoft.ML.MetaMorph;

/// <summary>What columns are called where nobody says otherwise; options and the methods with flat parameters share them.</summary>
internal static class DefaultColumnNames
{
    public const string Prompt = "Prompt";
    public const string Response = "Response";
    public const string VisualTokens = "VisualTokens";
    public const string PredictedResponse = "PredictedResponse";
    public const string ResponseVisualTokens = "ResponseVisualTokens";
    public const string Image = "Image";
    public const string Caption = "Caption";
    public const string Picture = "Picture";
    public const string Vector = "Vector";
    public const string Text = "Text";
    public const string PredictedLabel = "PredictedLabel";
    public const string Score = "Score";
    public const string Probability = "Probability";
}
