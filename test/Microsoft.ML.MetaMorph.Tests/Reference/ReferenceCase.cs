using System.Reflection;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>One folder of figures: <c>case.json</c> says what to do and how close, <c>io.safetensors</c> holds inputs and expected outputs.</summary>
internal sealed class ReferenceCase
{
    private readonly Lazy<Dictionary<string, Tensor>> _tensors;

    public ReferenceCase(string folder)
    {
        Folder = folder;
        Json = JsonDocument.Parse(File.ReadAllText(System.IO.Path.Combine(folder, "case.json"))).RootElement;
        _tensors = new(() => PlainSafeTensors.Read(Path("io.safetensors")));
    }

    /// <summary>The folder of cases: <c>METAMORPH_REFERENCE</c> or <c>test/reference</c>.</summary>
    public static string Root => Environment.GetEnvironmentVariable("METAMORPH_REFERENCE") is { Length: > 0 } other
        ? other
        : System.IO.Path.Combine(RepositoryRoot, "test", "reference");

    public static string RepositoryRoot { get; } = typeof(ReferenceCase).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public string Folder { get; }

    public string Name => System.IO.Path.GetFileName(Folder);

    public JsonElement Json { get; }

    public string Kind => Json.GetProperty("kind").GetString()!;

    /// <summary>Everything in <c>io.safetensors</c>, read by the tests' own plain reader.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors.Value;

    public Tensor this[string tensor] => Tensors.TryGetValue(tensor, out Tensor? value) ? value : throw new AssertFailedException($"{Name}: io.safetensors has no tensor '{tensor}'. It has: {string.Join(", ", Tensors.Keys.Order())}");

    public double Tolerance => Json.GetProperty("tolerance").GetDouble();

    public static IEnumerable<ReferenceCase> All() => Directory.GetDirectories(Root).Where(d => File.Exists(System.IO.Path.Combine(d, "case.json"))).Order(StringComparer.Ordinal).Select(d => new ReferenceCase(d));

    public string Path(string file) => System.IO.Path.Combine(Folder, file);

    /// <summary>Asserts that every element is within <paramref name="tolerance"/> (absolute) of the expected one.</summary>
    public void AreClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"{Name}: shape of {what}");
        if (expected.numel() == 0) return;
        double difference = (expected.to(ScalarType.Float64) - actual.detach().cpu().to(ScalarType.Float64)).abs().max().item<double>();
        Assert.IsTrue(difference <= tolerance, $"{Name}: {what} differs by {difference:E2}, allowed {tolerance:E2}");
    }

    /// <summary>Asserts that ‖actual − expected‖ ≤ tolerance · ‖expected‖.</summary>
    public void AreRelativelyClose(Tensor expected, Tensor actual, double tolerance, string what)
    {
        using var scope = NewDisposeScope();
        CollectionAssert.AreEqual(expected.shape, actual.shape, $"{Name}: shape of {what}");
        Tensor wanted = expected.to(ScalarType.Float64), got = actual.detach().cpu().to(ScalarType.Float64);
        double norm = wanted.norm().item<double>(), difference = (got - wanted).norm().item<double>();
        Assert.IsTrue(difference <= tolerance * Math.Max(norm, 1e-12), $"{Name}: {what} differs by {difference / Math.Max(norm, 1e-12):E2} of its norm, allowed {tolerance:E2}");
    }
}
