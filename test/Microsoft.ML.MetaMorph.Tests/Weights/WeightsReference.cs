using System.Globalization;
using System.IO.Compression;
using System.Numerics;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Cases of the kinds <c>weights</c> and <c>hostile-weights</c>: every file ends in the expected tensors or in an error that names it.</summary>
internal static class WeightsReference
{
    [ReferenceKind("weights")]
    private static void Weights(ReferenceCase reference)
    {
        JsonElement[] files = [.. reference.Json.GetProperty("files").EnumerateArray()];
        foreach (JsonElement file in files.Where(f => f.ValueKind == JsonValueKind.Object)) File(reference, file);
        string[] plain = [.. files.Where(f => f.ValueKind == JsonValueKind.String).Select(f => f.GetString()!)];
        if (plain.Length > 0) Folder(reference, plain);
        if (reference.Json.TryGetProperty("model", out _)) WeightsModel.Check(reference);
        if (reference.Json.TryGetProperty("must_not_appear", out JsonElement mark)) MustNotAppear(reference, mark.GetString()!);
    }

    [ReferenceKind("hostile-weights")]
    private static void Hostile(ReferenceCase reference)
    {
        foreach (JsonElement file in reference.Json.GetProperty("files").EnumerateArray()) File(reference, file);
    }

    /// <summary>The folder as one archive against its safetensors files, read by the tests' plain reader.</summary>
    private static void Folder(ReferenceCase reference, string[] files)
    {
        var expected = files.SelectMany(f => PlainSafeTensors.Read(reference.Path(f))).ToDictionary(t => t.Key, t => t.Value);
        using TensorArchive archive = TensorArchive.Open(reference.Folder);
        CollectionAssert.AreEquivalent(expected.Keys, archive.Tensors.Keys.ToArray(), $"{reference.Name}: names");
        foreach ((string name, Tensor tensor) in expected)
        {
            using Tensor read = archive.Read(name);
            TensorAssert.AreIdentical(tensor, read, $"{reference.Name}: {name}");
            CollectionAssert.AreEqual(tensor.shape, archive.Tensors[name].Shape, $"{reference.Name}: listed shape of {name}");
            Assert.AreEqual(tensor.dtype, archive.Tensors[name].ElementType, $"{reference.Name}: listed element type of {name}");
            if (reference.Json.TryGetProperty("stored_dtype", out JsonElement stored))
                Assert.AreEqual(stored.GetString(), tensor.dtype.ToString().ToLowerInvariant(), $"{reference.Name}: element type of {name}");
            tensor.Dispose();
        }
        string[] wide = [.. reference.Names.Where(name => name.EndsWith(".float32", StringComparison.Ordinal))];
        Assert.IsNotEmpty(wide, $"{reference.Name}: no tensor in float32 to compare");
        foreach (string key in wide)
        {
            string name = archive.Tensors.Keys.Single(n => n.EndsWith(key[..^"float32".Length] + "weight", StringComparison.Ordinal));
            using Tensor read = archive.Read(name), widened = read.to(ScalarType.Float32);
            TensorAssert.AreIdentical(reference[key], widened, $"{reference.Name}: {name} in float32");
        }
    }

    private static void File(ReferenceCase reference, JsonElement file)
    {
        string name = file.GetProperty("file").GetString()!, path = reference.Path(name);
        bool readable = PublishedVerdict.MustLoad(reference, file, name), optional = PublishedVerdict.Flag(file, "optional");
        InvalidDataException? error = null;
        try
        {
            using TensorArchive archive = TensorArchive.Open(path);
            foreach (string tensor in archive.Tensors.Keys) archive.Read(tensor).Dispose();
            if (readable) Compare(reference, file, name, archive);
        }
        catch (InvalidDataException refused)
        {
            error = refused;
        }
        if (error is null)
        {
            Assert.IsTrue(readable || optional, $"{reference.Name}: {name} was read, though: {Text(file, "why")}");
            return;
        }
        Assert.IsTrue(!readable || optional, $"{reference.Name}: {name} was refused: {error.Message}");
        PublishedVerdict.CheckError(reference, file, name, readable, error.Message);
        if (readable && Text(file, "kind") == "zip") CompareRecords(reference, file, name);
    }

    /// <summary>A readable file that we may refuse, and do: the case's tensors are what lies in its records, so that a wrong one fails all the same.</summary>
    private static void CompareRecords(ReferenceCase reference, JsonElement file, string name)
    {
        using ZipArchive zip = ZipFile.OpenRead(reference.Path(name));
        byte[][] records = [.. zip.Entries.Where(entry => entry.FullName.Contains("/data/", StringComparison.Ordinal)).Select(Read)];
        Dictionary<string, byte[]> figures = PlainSafeTensors.Bytes(reference.Path(ReferenceCase.FiguresFile));
        string[] expected = Listed(reference, file, name);
        Assert.IsNotEmpty(expected, $"{reference.Name}: no tensors of {name}");
        foreach (string tensor in expected)
            Assert.IsTrue(records.Any(record => record.AsSpan().IndexOf(figures[$"{name}/{tensor}"]) >= 0), $"{reference.Name}: {name}/{tensor} is not in any record of {name}");
    }

    private static byte[] Read(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }

    private static void Compare(ReferenceCase reference, JsonElement file, string name, TensorArchive archive)
    {
        var expected = Listed(reference, file, name).ToDictionary(tensor => tensor, tensor => reference[$"{name}/{tensor}"]);
        var actual = archive is TorchArchive torch ? ByPath(torch) : archive.Tensors.Keys.ToDictionary(t => t, archive.Read);
        CollectionAssert.AreEquivalent(expected.Keys, actual.Keys, $"{reference.Name}: tensors of {name}");
        foreach ((string path, Tensor tensor) in expected) TensorAssert.AreIdentical(tensor, actual[path], $"{reference.Name}: {name}: {path}");
        Assert.AreEqual(expected.Count, archive.Tensors.Count, $"{reference.Name}: every tensor of {name} has a name in the archive");
        if (archive is TorchArchive checkpoint) CompareTorch(reference, file, name, checkpoint, actual);
        foreach (Tensor tensor in actual.Values) tensor.Dispose();
    }

    /// <summary>The tensors of a file that the case has figures of, which must be those that it lists; their figures count as read.</summary>
    private static string[] Listed(ReferenceCase reference, JsonElement file, string name)
    {
        string[] figures = [.. reference.Names.Where(figure => figure.StartsWith(name + "/", StringComparison.Ordinal) && reference.Find(figure) is not null).Select(figure => figure[(name.Length + 1)..])];
        if (file.TryGetProperty("tensors", out JsonElement names))
            CollectionAssert.AreEquivalent(names.EnumerateArray().Select(n => n.GetString()!).ToArray(), figures, $"{reference.Name}: the case's own list for {name}");
        return figures;
    }

    private static void CompareTorch(ReferenceCase reference, JsonElement file, string name, TorchArchive archive, Dictionary<string, Tensor> tensors)
    {
        Assert.AreEqual(Text(file, "kind"), archive.IsZip ? "zip" : "legacy", $"{reference.Name}: the format of {name}");
        if (file.TryGetProperty("values", out JsonElement values))
        {
            var actual = CheckpointTree.Leaves(archive.Root, "/", name).Where(l => l.Value is not TorchTensor).ToDictionary(l => l.Key, l => l.Value);
            CollectionAssert.AreEquivalent(values.EnumerateObject().Select(v => v.Name).ToArray(), actual.Keys, $"{reference.Name}: values of {name}");
            foreach (JsonProperty value in values.EnumerateObject()) Assert.IsTrue(Same(value.Value, actual[value.Name]), $"{reference.Name}: {name}: {value.Name} is {actual[value.Name] ?? "null"}, not {value.Value.GetRawText()}");
        }
        if (file.TryGetProperty("shared_storage", out JsonElement shared))
        {
            Tensor[] views = [.. shared.EnumerateArray().Select(v => tensors[v.GetString()!]).Where(v => v.numel() > 0)];
            long[] addresses = [.. views.Select(v => (long)TensorMemory.Address(v))];
            Assert.IsTrue(addresses.Max() - addresses.Min() < views.Max(v => v.numel() * v.element_size()), $"{reference.Name}: {name}: views of one storage share memory");
        }
    }

    private static Dictionary<string, Tensor> ByPath(TorchArchive archive) => CheckpointTree.Leaves(archive.Root, "/", archive.Location)
        .Where(l => l.Value is TorchTensor).ToDictionary(l => l.Key, l => archive.Read((TorchTensor)l.Value!));

    private static bool Same(JsonElement expected, object? actual) => actual switch
    {
        null => expected.ValueKind == JsonValueKind.Null,
        bool flag => expected.ValueKind == (flag ? JsonValueKind.True : JsonValueKind.False),
        string text => expected.ValueKind == JsonValueKind.String && expected.GetString() == text,
        long number => BigInteger.TryParse(expected.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger whole) && whole == number,
        BigInteger number => BigInteger.TryParse(expected.GetRawText(), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out BigInteger whole) && whole == number,
        double number => expected.ValueKind == JsonValueKind.Number && expected.GetRawText().AsSpan().ContainsAny(".eE") && expected.GetDouble().Equals(number),
        _ => false,
    };

    private static void MustNotAppear(ReferenceCase reference, string mark)
    {
        foreach (string folder in new[] { reference.Folder, Directory.GetCurrentDirectory(), AppContext.BaseDirectory })
            Assert.IsFalse(System.IO.File.Exists(Path.Combine(folder, mark)), $"{reference.Name}: a file's code ran: {mark} is in {folder}");
    }

    private static string? Text(JsonElement json, string name) => json.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
