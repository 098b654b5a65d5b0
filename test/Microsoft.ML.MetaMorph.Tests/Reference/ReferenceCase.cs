using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>One folder of figures: <c>case.json</c> says what to do and how close, <c>io.safetensors</c> holds inputs and expected outputs.</summary>
/// <remarks>It remembers which figures were read, so that <see cref="EverythingWasRead"/> finds those that a check passes over.</remarks>
internal sealed class ReferenceCase
{
    public const string CaseFile = "case.json", FiguresFile = "io.safetensors";

    private readonly Lazy<Dictionary<string, Tensor>> _figures;
    private readonly HashSet<string> _read = [];

    public ReferenceCase(string folder)
    {
        Folder = System.IO.Path.TrimEndingDirectorySeparator(System.IO.Path.GetFullPath(folder));
        Json = JsonDocument.Parse(File.ReadAllText(Path(CaseFile))).RootElement;
        _figures = new(() => File.Exists(Path(FiguresFile)) ? PlainSafeTensors.Read(Path(FiguresFile)) : []);
    }

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

    /// <summary>The names of everything in <c>io.safetensors</c>, in order; none where there is no such file.</summary>
    public IReadOnlyList<string> Names => [.. _figures.Value.Keys.Order(StringComparer.Ordinal)];

    /// <summary>A figure of <c>io.safetensors</c>, read by the tests' own plain reader; the case fails if it is not there.</summary>
    public Tensor this[string name] => Find(name) ?? throw new AssertFailedException($"{Name}: {FiguresFile} has no tensor '{name}'. It has: {string.Join(", ", Names)}");

    public double Tolerance => Json.GetProperty("tolerance").GetDouble();

    /// <summary>The cases of this repository of a kind, for properties that need models or files: they do not follow the walk to other folders.</summary>
    public static IEnumerable<ReferenceCase> Own(string kind) => ReferenceFolder.Cases(ReferenceFolder.Own).Select(OwnCase).Where(c => c.Kind == kind);

    /// <summary>The case of this repository with a name that <see cref="Own(string)"/> gave.</summary>
    public static ReferenceCase OwnCase(string name) => new(System.IO.Path.Combine(ReferenceFolder.Own, name));

    public string Path(string file) => System.IO.Path.Combine(Folder, file);

    public bool Has(string name) => _figures.Value.ContainsKey(name);

    /// <summary>A figure that not every case has; null where it is missing.</summary>
    public Tensor? Find(string name)
    {
        if (!_figures.Value.TryGetValue(name, out Tensor? figure)) return null;
        _read.Add(name);
        return figure;
    }

    /// <summary>The names that begin like this; the case fails if there is none.</summary>
    public string[] Beginning(string prefix)
    {
        string[] found = [.. Names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal))];
        Assert.IsNotEmpty(found, $"{Name}: {FiguresFile} has no tensor whose name begins with '{prefix}'. It has: {string.Join(", ", Names)}");
        return found;
    }

    /// <summary>Fails for figures that the check of the case never asked for: a wrong value in them would pass unseen.</summary>
    public void EverythingWasRead() => Assert.AreEqual("", string.Join(", ", Names.Except(_read)), $"{Name}: figures that nothing compares");

    /// <summary>Asserts that every element is within <paramref name="tolerance"/> (absolute) of the expected one; see <see cref="Closeness"/>.</summary>
    public void AreClose(Tensor expected, Tensor actual, double tolerance, string what, bool minusInfinity = false)
        => Closeness.AreClose(expected, actual, tolerance, $"{Name}: {what}", minusInfinity);

    /// <summary>Asserts that ‖actual − expected‖ ≤ tolerance · ‖expected‖.</summary>
    public void AreRelativelyClose(Tensor expected, Tensor actual, double tolerance, string what) => Closeness.AreRelativelyClose(expected, actual, tolerance, $"{Name}: {what}");

    /// <summary>Asserts that a number is within <paramref name="tolerance"/> (absolute) of the expected one.</summary>
    public void AreClose(double expected, double actual, double tolerance, string what) => Closeness.AreClose(expected, actual, tolerance, $"{Name}: {what}");
}
