using System.Reflection;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Walks the folder of reference cases; each case is a named result, checked by the method marked with its kind.</summary>
[TestClass]
public sealed class ReferenceTests
{
    /// <summary>Kinds of parts that are not built yet, with what they wait for.</summary>
    private static readonly Dictionary<string, string> Later = new()
    {
        ["frechet"] = "the evaluation room",
    };

    private static readonly Dictionary<string, MethodInfo> Checks = FindChecks();

    /// <summary>Where there is no case, one result says so.</summary>
    private const string NoCase = "(no case)";

    public static IEnumerable<object[]> Cases() => ReferenceFolder.Cases(ReferenceFolder.Root).DefaultIfEmpty(NoCase).Select(name => new object[] { name });

    public static string DisplayName(MethodInfo method, object[] data) => $"Reference: {data[0]}";

    [TestMethod]
    [DynamicData(nameof(Cases), DynamicDataDisplayName = nameof(DisplayName))]
    public void Reference(string name)
    {
        if (name == NoCase) Assert.Fail(ReferenceFolder.Absence(ReferenceFolder.Root, Environment.GetEnvironmentVariable(ReferenceFolder.Variable)));
        Check(new ReferenceCase(Path.Combine(ReferenceFolder.Root, name)));
    }

    /// <summary>Checks a case as its kind asks; then nothing in it may be left that no check has looked at.</summary>
    internal static void Check(ReferenceCase reference)
    {
        if (Checks.TryGetValue(reference.Kind, out MethodInfo? check))
        {
            if (reference.EmptyList is { } empty) Assert.Fail($"{reference.Name}: '{empty}' of its case.json is empty: there is nothing to compare.");
            TorchBackend.Require();
            using var scope = TorchSharp.torch.NewDisposeScope();
            check.CreateDelegate<Action<ReferenceCase>>()(reference);
            reference.EverythingWasRead();
        }
        else if (Later.TryGetValue(reference.Kind, out string? what))
        {
            Assert.Inconclusive($"{reference.Name}: kind '{reference.Kind}' waits for {what}.");
        }
        else
        {
            Assert.Fail($"{reference.Name}: unknown kind '{reference.Kind}'. Known: {string.Join(", ", Checks.Keys.Concat(Later.Keys).Order())}");
        }
    }

    private static Dictionary<string, MethodInfo> FindChecks() => typeof(ReferenceTests).Assembly.GetTypes()
        .SelectMany(type => type.GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
        .SelectMany(method => method.GetCustomAttributes<ReferenceKindAttribute>().Select(kind => (kind.Kind, method)))
        .ToDictionary(pair => pair.Kind, pair => pair.method);
}

/// <summary>Marks a static <c>void Check(ReferenceCase)</c> that asserts the figures of one kind of case.</summary>
[AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
internal sealed class ReferenceKindAttribute(string kind) : Attribute
{
    public string Kind { get; } = kind;
}
