using static TorchSharp.torch;
using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.MetaMorph;

/// <summary>What stands for labels that nobody trained a classifier on: the vectors of sentences about them, and what makes a probability of a cosine.</summary>
/// <param name="Vectors">The unit vectors of the labels, one after another.</param>
/// <param name="Scale">Logits are cosines times this …</param>
/// <param name="Bias">… plus this.</param>
internal sealed record ZeroShotLabels(float[] Vectors, float Scale, float Bias)
{
    /// <summary>Where the label stands in a template.</summary>
    public const string Mark = "{0}";

    // A sum of unit vectors that cancel each other has no direction; torch divides by this then.
    private const float SmallestNorm = 1e-12f;

    /// <summary>The sentence that SigLIP's documentation asks with.</summary>
    public static IReadOnlyList<string> DefaultTemplates { get; } = ["This is a photo of {0}."];

    /// <summary>Each label in each template: their unit vectors, averaged over the templates, and made unit again.</summary>
    /// <exception cref="NotFiniteNumberException">The weights are broken.</exception>
    public static ZeroShotLabels Of(LanguageImageEncoderModel model, string[] labels, string[] templates, int perCall, Device device)
    {
        int length = model.VectorLength;
        string[] sentences = [.. labels.SelectMany(label => templates.Select(template => template.Replace(Mark, label, StringComparison.Ordinal)))];
        float[] embedded = model.EmbedTexts(sentences, perCall, device);
        var vectors = new float[labels.Length * length];
        for (int sentence = 0; sentence < sentences.Length; sentence++)
        {
            Span<float> sum = vectors.AsSpan(sentence / templates.Length * length, length);
            TensorPrimitives.Add<float>(sum, embedded.AsSpan(sentence * length, length), sum);
        }

        for (int label = 0; label < labels.Length; label++)
        {
            Span<float> vector = vectors.AsSpan(label * length, length);
            TensorPrimitives.Divide<float>(vector, Math.Max(TensorPrimitives.Norm<float>(vector), SmallestNorm), vector);
        }

        (float scale, float bias) = model.Calibration(device);
        return new ZeroShotLabels(vectors, scale, bias);
    }

    /// <summary>How well a picture's vector fits each label.</summary>
    public float[] Logits(ReadOnlySpan<float> picture)
    {
        var logits = new float[Vectors.Length / picture.Length];
        for (int label = 0; label < logits.Length; label++) logits[label] = Scale * TensorPrimitives.Dot<float>(picture, Vectors.AsSpan(label * picture.Length, picture.Length)) + Bias;
        return logits;
    }
}
