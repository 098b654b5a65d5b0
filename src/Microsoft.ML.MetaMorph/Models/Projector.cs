using System.Globalization;
using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>Visual tokens <c>[…, D]</c> → inputs of the language model <c>[…, hidden]</c> (<c>model.mm_projector</c>).</summary>
internal sealed partial class Projector(string kind, int visualWidth, int hiddenWidth, ParameterSource parameters)
    : ConnectorLayers(nameof(Projector), parameters, Widths(kind, visualWidth, hiddenWidth), bare: kind == Linear)
{
    public const string Identity = "identity";

    /// <summary>What is known, for messages.</summary>
    public const string Kinds = "linear, mlpNx_gelu (N = 1, 2, …), identity";

    private const string Linear = "linear";

    /// <summary>The number of linear layers of a published kind.</summary>
    /// <exception cref="NotSupportedException">Another kind.</exception>
    public static int LayerCount(string kind) => KnownLayers(kind) ?? throw new NotSupportedException($"mm_projector_type '{kind}' is not supported. Supported: {Kinds}.");

    /// <summary>Whether it is a published kind.</summary>
    public static bool IsKnown(string? kind) => kind is not null && KnownLayers(kind) is not null;

    private static int? KnownLayers(string kind)
    {
        if (kind == Identity) return 0;
        if (kind == Linear) return 1;
        return Depth().Match(kind) is { Success: true } match && int.TryParse(match.Groups[1].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out int count) && count > 0 ? count : null;
    }

    private static int[] Widths(string kind, int visualWidth, int hiddenWidth) => [visualWidth, .. Enumerable.Repeat(hiddenWidth, LayerCount(kind))];

    [GeneratedRegex("^mlp([0-9]{1,3})x_gelu$")]
    private static partial Regex Depth();
}
