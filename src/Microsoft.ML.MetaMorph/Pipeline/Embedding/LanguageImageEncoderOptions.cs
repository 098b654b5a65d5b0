namespace Microsoft.ML.MetaMorph;

/// <summary>How a folder with both towers of a SigLIP is opened. What is null is taken from the folder.</summary>
public sealed record LanguageImageEncoderOptions
{
    /// <summary>What becomes of a picture that is not square. Null: what <c>preprocessor_config.json</c> says, or <see cref="ImageAspectRatio.Square"/>. Pictures of a SigLIP 2 NaFlex keep their shape: leave it null.</summary>
    public ImageAspectRatio? AspectRatio { get; init; }

    /// <summary>Of an encoder whose pictures keep their shape (SigLIP 2 NaFlex): the patches of a picture at most, at least 1. Null: what <c>preprocessor_config.json</c> says (<c>max_num_patches</c>).</summary>
    public int? MaximumPatchCount { get; init; }

    /// <summary>The tokenizer that the text tower was trained with, where the folder has no <c>tokenizer.json</c>. Null: the folder's.</summary>
    public LanguageTokenizer? Tokenizer { get; init; }

    /// <summary>In which element type linear layers and convolutions are computed. Default: measured.</summary>
    public Precision Precision { get; init; } = Precision.Auto;

    internal ImageEncoderOptions ForImages() => new() { AspectRatio = AspectRatio, MaximumPatchCount = MaximumPatchCount, Precision = Precision };

    /// <exception cref="ArgumentOutOfRangeException">An option is out of range; it is named with its value and range.</exception>
    internal void Validate() => ForImages().Validate();
}
