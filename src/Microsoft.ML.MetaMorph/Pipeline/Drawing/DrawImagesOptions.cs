namespace Microsoft.ML.MetaMorph;

/// <summary>Options of <see cref="MetaMorphCatalog.DrawImages(DrawImagesOptions)"/>: prompt → answer with visual tokens → picture.</summary>
/// <remarks>
/// Text and visual tokens of the answer stand in columns named after the output with <c>Response</c> and <c>Tokens</c> behind it; with an error
/// column, why a prompt could not be answered also in one with <c>TokensError</c> behind it. <see cref="DrawingOptions.Progress"/> and
/// <see cref="DrawingOptions.CancellationToken"/> are those of drawing; an answer is ended through the <see cref="MLContext"/>.
/// </remarks>
public sealed class DrawImagesOptions : DrawingOptions
{
    /// <summary>The column of prompts: text, or vector of text (several turns).</summary>
    public string PromptColumnName { get; set; } = DefaultColumnNames.Prompt;

    /// <summary>The MetaMorph: a folder in Hugging Face layout, or the name (<c>org/name</c>) of a model in the local Hugging Face cache.</summary>
    public required string PretrainedFolder { get; set; }

    /// <summary>The column of the prompts' pictures as visual tokens. Null (default): no prompt has pictures.</summary>
    public string? VisualTokensColumnName { get; set; }

    /// <summary>How answers are made. Null (default): greedy, beginning with a picture.</summary>
    public GenerationOptions? Answering { get; set; }

    internal override void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(PromptColumnName);
        ArgumentException.ThrowIfNullOrEmpty(PretrainedFolder);
        base.Validate();
    }

    /// <summary>The options of answering.</summary>
    internal GenerateResponseEstimator.Options Responding(string tokens, string? errors) => new()
    {
        PretrainedFolder = PretrainedFolder,
        PromptColumnName = PromptColumnName,
        OutputColumnName = OutputColumnName + "Response",
        VisualTokensColumnName = VisualTokensColumnName,
        OutputVisualTokensColumnName = tokens,
        ErrorColumnName = errors,
        Generation = Answering ?? new GenerationOptions { BeginWithImage = true },
    };
}
