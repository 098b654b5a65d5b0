namespace Microsoft.ML.MetaMorph.Documents.Tests;

/// <summary>The rooms of docs/architecture.md: a room uses rooms below it only.</summary>
[TestClass]
public sealed class RoomTests
{
    private static readonly Dictionary<string, int> Floors = new()
    {
        ["Native"] = 0,
        ["Weights"] = 1,
        ["Data"] = 2,
        ["Models"] = 3,
        ["Training"] = 4,
        ["Generation"] = 4,
        ["Evaluation"] = 4,
        ["Pipeline"] = 5,
    };

    /// <summary>What is foreign to a room, although no room above it declares it.</summary>
    private static readonly Dictionary<string, string[]> Foreign = new()
    {
        ["Native"] = ["IDataView", "DataViewRow", "IHostEnvironment"],
        ["Weights"] = ["IDataView", "DataViewRow", "IHostEnvironment"],
        ["Data"] = ["IDataView", "DataViewRow", "IHostEnvironment", "TorchSharp", "Tensor"],
        ["Models"] = ["IDataView", "DataViewRow", "IHostEnvironment", "LanguageTokenizer", "File", "FileStream", "Directory", "HttpClient"],
        ["Training"] = ["IDataView", "DataViewRow", "IHostEnvironment", "LanguageTokenizer"],
        ["Generation"] = ["IDataView", "DataViewRow", "IHostEnvironment", "LanguageTokenizer"],
    };

    [TestMethod]
    public void EveryFileLiesInARoom()
    {
        string[] outside = [.. SourceFile.All.Where(file => !Floors.ContainsKey(file.Room)).Select(file => file.Name)];
        Assert.IsEmpty(outside, string.Join("\n", outside));
        Assert.IsGreaterThan(200, SourceFile.All.Count);
    }

    [TestMethod]
    public void NoRoomUsesARoomBesideOrAboveIt()
    {
        string[] problems = UpwardUses(SourceFile.All);
        Assert.IsEmpty(problems, string.Join("\n", problems));
    }

    [TestMethod]
    public void AnUpwardUseIsSeen()
    {
        SourceFile[] files =
        [
            new("Pipeline/Catalog.cs", "namespace N;\n\npublic sealed class Catalog\n{\n}\n"),
            new("Training/Loop.cs", "namespace N;\n\ninternal sealed record Loop(int Steps);\n"),
            new("Weights/Upward.cs", "namespace N;\n\ninternal sealed class Upward\n{\n    private readonly Catalog _catalog = new();\n}\n"),
            new("Generation/Beside.cs", "namespace N;\n\ninternal sealed class Beside(Loop loop);\n"),
            new("Models/Sound.cs", "namespace N;\n\n/// <summary>Not a Catalog.</summary>\ninternal sealed class Sound\n{\n    private string Loop() => \"Catalog // Loop\"; // Catalog\n}\n"),
        ];
        CollectionAssert.AreEqual(new[] { "Weights/Upward.cs uses Catalog of Pipeline", "Generation/Beside.cs uses Loop of Training" }, UpwardUses(files));
    }

    [TestMethod]
    public void NoRoomUsesWhatIsForeignToIt()
    {
        string[] problems = [.. SourceFile.All.Where(file => Foreign.ContainsKey(file.Room)).SelectMany(file => Foreign[file.Room].Where(file.Words.Contains).Select(word => $"{file.Name} uses {word}"))];
        Assert.IsEmpty(problems, string.Join("\n", problems));
    }

    [TestMethod]
    public void InternalsOfMlNetAreUsedInOneFile()
    {
        string[] internals = ["ITransformCanSaveOnnx", "ISaveAsOnnx", "OnnxContext", "LoadableClass", "SignatureLoadModel", "ModelLoadContext", "RepositoryReader", "RepositoryWriter", "IHostEnvironmentInternal", "VersionInfo"];
        string[] users = [.. SourceFile.All.Where(file => internals.Any(file.Words.Contains)).Select(file => file.Name)];
        CollectionAssert.AreEqual(new[] { "Pipeline/Interop/MLNetInternals.cs" }, users);
    }

    [TestMethod]
    public void TheArchitectureDocumentNamesEveryRoom()
    {
        string text = string.Join("\n", Repository.Document("docs/architecture.md").Prose);
        foreach (string room in SourceFile.All.Select(file => file.Room).Distinct()) StringAssert.Contains(text, $"`{room}/`");
    }

    private static string[] UpwardUses(IReadOnlyList<SourceFile> files)
    {
        ILookup<string, string> rooms = files.SelectMany(file => file.TopLevelTypes.Select(type => (type.Name, file.Room))).Distinct().ToLookup(entry => entry.Name, entry => entry.Room);
        var uses = new List<string>();
        foreach (SourceFile file in files)
        {
            foreach (string word in file.Words.Where(word => !file.OwnNames.Contains(word)))
            {
                string[] homes = [.. rooms[word]];
                if (homes.Length > 0 && !homes.Contains(file.Room) && homes.All(room => Floors[room] >= Floors[file.Room])) uses.Add($"{file.Name} uses {word} of {string.Join(", ", homes)}");
            }
        }

        return [.. uses];
    }
}
