using System.Globalization;
using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

internal static partial class TokenReductionCheck
{
    // Half a unit in the last place of bfloat16 on either side of the exact value.
    private const double OneRounding = 1.0 / 128;

    [ReferenceKind("token-reduction")]
    public static void Check(ReferenceCase reference)
    {
        string[] promised = [.. Sides(reference, "pairs").SelectMany(p => new[] { "", ".bf16" }.Select(type => $"{p.First}-{p.Second}.output{type}")), .. Sides(reference, "images").Select(i => $"image.{i.First}x{i.Second}")];
        CollectionAssert.IsSubsetOf(promised, reference.Names.ToArray(), $"{reference.Name}: pairs and images of case.json");
        foreach (string name in reference.Names)
        {
            if (Output().Match(name) is { Success: true } tokens) CompareTokens(reference, tokens);
            else if (Image().Match(name) is { Success: true } image) CompareImage(reference, image);
            else Assert.IsTrue(name == "image.input" || Input().IsMatch(name), $"{reference.Name}: '{name}' is not known to this check");
        }
    }

    private static void CompareTokens(ReferenceCase reference, Match name)
    {
        int side = Number(name.Groups["target"]);
        Tensor expected = reference[name.Value], input = reference[$"{name.Groups["pair"].Value}.input{name.Groups["type"].Value}"];
        Assert.AreEqual((long)Number(name.Groups["source"]) * Number(name.Groups["source"]), input.size(1), $"{reference.Name}: patches of {name.Value}");
        Tensor actual = TokenReduction.Interpolate(input, side * side);
        Assert.AreEqual(input.dtype, actual.dtype, $"{reference.Name}: element type of {name.Value}");
        if (input.dtype == ScalarType.Float32) reference.AreClose(expected, actual, reference.Tolerance, name.Value);
        else CompareRounded(reference, expected, actual, name.Value);
    }

    private static void CompareRounded(ReferenceCase reference, Tensor expected, Tensor actual, string what)
    {
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"{reference.Name}: shape of {what}");
        Tensor wanted = expected.to(ScalarType.Float64), got = actual.to(ScalarType.Float64), rounding = wanted.abs() * OneRounding;
        // As far beyond the rounding as ours lies; an expected infinity stays one, and fails.
        Tensor beyond = wanted + (got - wanted).sign() * ((got - wanted).abs() - rounding).clamp_min(0);
        reference.AreClose(wanted, beyond, reference.Tolerance, $"{what}, beyond one rounding,");
    }

    private static void CompareImage(ReferenceCase reference, Match name)
        => reference.AreClose(reference[name.Value], TokenReduction.Bilinear(reference["image.input"], Number(name.Groups["height"]), Number(name.Groups["width"])), reference.Tolerance, name.Value);

    private static IEnumerable<(int First, int Second)> Sides(ReferenceCase reference, string name) => reference.Json.GetProperty(name).EnumerateArray()
        .Select(sides => (sides[0].GetInt32(), sides[1].GetInt32()));

    private static int Number(Group group) => int.Parse(group.Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<pair>(?<source>\d+)-(?<target>\d+))\.output(?<type>(\.\w+)?)$")]
    private static partial Regex Output();

    [GeneratedRegex(@"^\d+-\d+\.input(\.\w+)?$")]
    private static partial Regex Input();

    [GeneratedRegex(@"^image\.(?<height>\d+)x(?<width>\d+)$")]
    private static partial Regex Image();
}
