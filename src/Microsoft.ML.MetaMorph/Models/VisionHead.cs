namespace Microsoft.ML.MetaMorph;

/// <summary>Hidden states <c>[…, hidden]</c> → visual tokens <c>[…, D]</c>, not yet normalised (<c>vision_head</c>).</summary>
internal sealed class VisionHead(string kind, int hiddenWidth, int visualWidth, ParameterSource parameters)
    : ConnectorLayers(nameof(VisionHead), parameters, [.. Enumerable.Repeat(hiddenWidth, LayerCount(kind)), visualWidth], bare: kind == "linear")
{
    /// <summary>What is known, for messages.</summary>
    public const string Kinds = "linear, mlp, mlp2x_gelu";

    /// <summary>The number of linear layers of a published kind.</summary>
    /// <exception cref="NotSupportedException">Another kind.</exception>
    public static int LayerCount(string kind) => KnownLayers(kind) ?? throw new NotSupportedException($"vision_head_type '{kind}' is not supported. Supported: {Kinds}.");

    /// <summary>Whether it is a published kind.</summary>
    public static bool IsKnown(string? kind) => KnownLayers(kind) is not null;

    private static int? KnownLayers(string? kind) => kind switch
    {
        "linear" => 1,
        "mlp" => 2,
        "mlp2x_gelu" => 3,
        _ => null,
    };
}
