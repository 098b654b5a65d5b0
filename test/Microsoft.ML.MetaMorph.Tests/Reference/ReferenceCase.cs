using System.Reflection;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>One folder of figures: <c>case.json</c> says what to do and how close, <c>io.safetensors</c> holds inputs and expected outputs.</summary>
internal sealed class ReferenceCase
{
    private const string Variable = "METAMORPH_REFERENCE", CaseFile = "case.json";

    private readonly Lazy<Dictionary<string, Tensor>> _tensors;

    public ReferenceCase(string folder)
    {
        Folder = folder;
        Json = JsonDocument.Parse(File.ReadAllText(System.IO.Path.Combine(folder, CaseFile))).RootElement;
        _tensors = new(() => PlainSafeTensors.Read(Path("io.safetensors")));
    }

    /// <summary>The folder of cases that the walk checks: <c>METAMORPH_REFERENCE</c> or <c>test/reference</c>.</summary>
    public static string Root => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } other ? System.IO.Path.GetFullPath(other) : OwnRoot;

    /// <summary><c>test/reference</c>, whatever the walk checks.</summary>
    public static string OwnRoot => System.IO.Path.Combine(RepositoryRoot, "test", "reference");

    public static string RepositoryRoot { get; } = typeof(ReferenceCase).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    public string Folder { get; }

    /// <summary>A list or object of the case that should name figures and names none; null where there is no such.</summary>
    public string? EmptyList => Json.EnumerateObject().FirstOrDefault(entry => entry.Value.ValueKind switch
    {
        JsonValueKind.Array => entry.Value.GetArrayLength() == 0,
        JsonValueKind.Object => !entry.Value.EnumerateObject().Any(),
        _ => false,
    }) is { Value.ValueKind: not JsonValueKind.Undefined } found ? found.Name : null;

    public string Name => System.IO.Path.GetFileName(Folder);

    public JsonElement Json { get; }

    public string Kind => Json.GetProperty("kind").GetString()!;

    /// <summary>Everything in <c>io.safetensors</c>, read by the tests' own plain reader.</summary>
    public IReadOnlyDictionary<string, Tensor> Tensors => _tensors.Value;

    public Tensor this[string tensor] => Tensors.TryGetValue(tensor, out Tensor? value) ? value : throw new AssertFailedException($"{Name}: io.safetensors has no tensor '{tensor}'. It has: {string.Join(", ", Tensors.Keys.Order())}");

    public double Tolerance => Json.GetProperty("tolerance").GetDouble();

    /// <summary>The names of the cases in a folder, without reading them: a case that cannot be read fails alone.</summary>
    public static string[] Names(string root) => !Directory.Exists(root) ? [] : [.. Directory.GetDirectories(root).Where(d => File.Exists(System.IO.Path.Combine(d, CaseFile))).Select(d => System.IO.Path.GetFileName(d)).Order(StringComparer.Ordinal)];

    /// <summary>The cases of this repository of a kind, for properties that need models or files: they do not follow the walk to other folders.</summary>
    public static IEnumerable<ReferenceCase> Own(string kind) => Names(OwnRoot).Select(OwnCase).Where(c => c.Kind == kind);

    /// <summary>The case of this repository with a name that <see cref="Own(string)"/> gave.</summary>
    public static ReferenceCase OwnCase(string name) => new(System.IO.Path.Combine(OwnRoot, name));

    /// <summary>Why there is no case to check in a folder, and what to do.</summary>
    public static string Absence(string root)
    {
        string found = !Directory.Exists(root) ? "there is no such folder"
            : File.Exists(System.IO.Path.Combine(root, CaseFile)) ? $"it is a case itself; name the folder above it, {Directory.GetParent(root)}"
            : $"none of its {Directory.GetDirectories(root).Length} folders holds a {CaseFile}";
        string from = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } ? $"the environment variable {Variable}" : "the repository";
        return $"No reference case in {root} (from {from}): {found}.";
    }

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
