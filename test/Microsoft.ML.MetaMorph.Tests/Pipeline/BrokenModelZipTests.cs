using System.IO.Compression;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>What is wrong with a model zip is told with its file and entry.</summary>
[TestClass]
public sealed class BrokenModelZipTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    /// <summary>ML.NET itself cannot open such a file, and does not name it; LoadModel does, and says what to do.</summary>
    [TestMethod]
    [DataRow(0.0)]
    [DataRow(0.1)]
    [DataRow(0.5)]
    [DataRow(0.9)]
    [DataRow(0.999)]
    public void ATruncatedZipIsAnError(double share)
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        byte[] whole = File.ReadAllBytes(path);
        int length = (int)(whole.Length * share);
        File.WriteAllBytes(path, whole[..length]);
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"'{path}' cannot be opened as a model zip ({length} bytes): ");
        StringAssert.EndsWith(message, $" It is truncated or of another kind. {ModelZipReader.Advice}");
        Assert.ThrowsExactly<FormatException>(() => _ml.Model.Load(path, out _));
    }

    [TestMethod]
    [DataRow("model.safetensors")]
    [DataRow("config.json")]
    [DataRow("preprocessor_config.json")]
    [DataRow("metamorph.json")]
    public void AMissingFileIsNamed(string name)
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update)) archive.Entries.Single(entry => entry.Name == name).Delete();
        AssertBroken(path, $"the file '{name}' is missing; the model was not saved whole. {ModelZipReader.Advice}");
    }

    /// <summary>In a zip it is as any other file; only for a folder it would have to be made in Python.</summary>
    [TestMethod]
    public void AMissingTokenizerIsNamed()
    {
        string path = Folder["model.zip"];
        IDataView rows = EncodedRow.Rows(_ml, 4);
        using (MetaMorphTransformer model = EncodedRow.Train(_ml, rows)) _ml.Model.Save(model, rows.Schema, path);
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update)) archive.Entries.Single(entry => entry.Name == "tokenizer.json").Delete();
        Assert.AreEqual(
            $"{path}, TransformerChain/: the file 'tokenizer.json' is missing; the model was not saved whole. Save the model again with mlContext.Model.Save, or copy the zip again if it was copied or downloaded.",
            Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message);
    }

    [TestMethod]
    public void AFolderIsNoZip()
        => Assert.AreEqual(
            $"'{Folder.Path}' is a folder, but a model zip is expected: a file that mlContext.Model.Save wrote. Pretrained folders are opened by GenerateResponse, ImageEncoder.Load, LanguageImageEncoder.Load, Visualizer.Load and ImageAutoencoder.Load. (Parameter 'filePath')",
            Assert.ThrowsExactly<ArgumentException>(() => _ml.MetaMorph().LoadModel(Folder.Path, out _)).Message);

    [TestMethod]
    [DataRow("config.json")]
    [DataRow("metamorph.json")]
    [DataRow("preprocessor_config.json")]
    public void AFileThatIsNoJsonIsNamed(string name)
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        Replace(path, name, "{ this is no JSON"u8.ToArray());
        AssertBroken(path, $"the file '{name}' is broken: ", ModelZipReader.Advice);
    }

    [TestMethod]
    public void APreprocessorIsNamedOnceWithItsZip()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        Replace(path, "preprocessor_config.json", """{"image_processor_type": "SiglipImageProcessor", "size": "wide"}"""u8.ToArray());
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"'{path}, ");
        StringAssert.EndsWith(message, "/preprocessor_config.json': 'size' is \"wide\"; it needs both 'height' and 'width'.");
        Assert.HasCount(2, message.Split("preprocessor_config.json"));
        Replace(path, "preprocessor_config.json", """{"image_processor_type": "SiglipImageProcessor", "size": 20}"""u8.ToArray());
        message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"'{path}, ");
        StringAssert.EndsWith(message, "/': preprocessor_config.json makes pictures of 20x20 (size), but the vision tower of config.json takes pictures of 16x16 (image_size). They do not belong together.");
    }

    [TestMethod]
    public void AnEmptyConfigurationIsNamedWithItsZip()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        Replace(path, "config.json", "{}"u8.ToArray());
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"'{path}, ");
        StringAssert.EndsWith(message, "/config.json': 'model_type' is missing; it must be siglip_vision_model or siglip2_vision_model, or siglip or siglip2 with a 'vision_config'.");
    }

    [TestMethod]
    public void BrokenWeightsAreNamed()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        Replace(path, ZipWeights.FileName, new byte[100]);
        AssertBroken(path, $"the file '{ZipWeights.FileName}' is broken: '{path}, ", $"/{ZipWeights.FileName}' is not a sound safetensors file: the header does not begin with '{{'. {ModelZipReader.Advice}");
    }

    /// <summary>One bit of one weight: small weights are read whole when they are opened, so it is noticed.</summary>
    [TestMethod]
    public void AChangedWeightIsNoticed()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        byte[] bytes = File.ReadAllBytes(path);
        ZipRecord record = ZipDirectory.Read(path).Records.Single(entry => entry.Key.EndsWith(ZipWeights.FileName)).Value;
        using (ZipArchive archive = ZipFile.OpenRead(path)) Assert.AreEqual(Crc(bytes.AsSpan((int)record.Offset, (int)record.Length)), archive.Entries.Single(entry => entry.Name == ZipWeights.FileName).Crc32);
        uint before = Crc(bytes.AsSpan((int)record.Offset, (int)record.Length));
        bytes[record.Offset + record.Length - 1] ^= 1;
        uint after = Crc(bytes.AsSpan((int)record.Offset, (int)record.Length));
        File.WriteAllBytes(path, bytes);
        AssertBroken(path, $"the file '{ZipWeights.FileName}' is broken: the checksum (CRC-32) of its {record.Length} bytes is {after:X8}, the zip's directory says {before:X8}: it was changed or damaged. {ModelZipReader.Advice}");
    }

    /// <summary>A digit that became another one is still JSON: the checksum tells.</summary>
    [TestMethod]
    public void AChangedDigitOfASmallFileIsNoticed()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        string config;
        using (ZipArchive archive = ZipFile.OpenRead(path)) config = System.Text.Encoding.UTF8.GetString(Bytes(archive.Entries.Single(entry => entry.Name == "config.json")));
        byte[] content = System.Text.Encoding.UTF8.GetBytes(config), changed = System.Text.Encoding.UTF8.GetBytes(config.Replace("\"mm_vision_select_layer\": -1", "\"mm_vision_select_layer\": -2"));
        Replace(path, "config.json", content);
        byte[] zip = File.ReadAllBytes(path);
        int at = zip.AsSpan().IndexOf(content);
        Assert.IsGreaterThan(0, at, "the file is stored as it is");
        changed.CopyTo(zip, at);
        File.WriteAllBytes(path, zip);
        AssertBroken(path, $"the file 'config.json' is broken: the checksum (CRC-32) of its {content.Length} bytes is {Crc(changed):X8}, the zip's directory says {Crc(content):X8}: it was changed or damaged. {ModelZipReader.Advice}");
    }

    /// <summary>A zip says in a few bytes that a file of it is half a gigabyte.</summary>
    [TestMethod]
    public void ASmallFileOfAnySizeIsRefused()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        byte[] zip = File.ReadAllBytes(path);
        int name = zip.AsSpan().LastIndexOf("/config.json"u8), record = zip.AsSpan(0, name).LastIndexOf("PK\u0001\u0002"u8);
        Assert.IsGreaterThan(0, record, "the zip's directory");
        System.Buffers.Binary.BinaryPrimitives.WriteInt32LittleEndian(zip.AsSpan(record + 24), 1 << 29);
        File.WriteAllBytes(path, zip);
        AssertBroken(path, $"the file 'config.json' is broken: it unpacks to more than 268435456 bytes. {ModelZipReader.Advice}");
    }

    /// <summary>Weights of other sizes than the configuration says, as two models that were mixed up have them.</summary>
    [TestMethod]
    public void WeightsOfAnotherShapeAreNamedWithTheZip()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        string config;
        using (ZipArchive archive = ZipFile.OpenRead(path)) config = System.Text.Encoding.UTF8.GetString(Bytes(archive.Entries.Single(entry => entry.Name == "config.json")));
        Replace(path, "config.json", System.Text.Encoding.UTF8.GetBytes(config.Replace("\"intermediate_size\": 32", "\"intermediate_size\": 48")));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        foreach (string part in new[] { $"'{path}, ", "model.safetensors': tensor 'vision_model.encoder.layers.0.mlp.fc1.weight' has the shape [32, 8], the model needs [48, 8].", "do not belong together" }) StringAssert.Contains(message, part);
    }

    [TestMethod]
    public void AValueThatCannotBeIsNamedWithTheZip()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        string config;
        using (ZipArchive archive = ZipFile.OpenRead(path)) config = System.Text.Encoding.UTF8.GetString(Bytes(archive.Entries.Single(entry => entry.Name == "config.json")));
        Replace(path, "config.json", System.Text.Encoding.UTF8.GetBytes(config.Replace("\"intermediate_size\": 32", "\"intermediate_size\": -32")));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        Assert.AreEqual($"'{path}, TransformerChain/config.json': 'intermediate_size' is -32; it must be a whole number above zero.", message);
    }

    [TestMethod]
    public void AnUnknownKindIsNamed()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            ZipArchiveEntry model = archive.Entries.Single(entry => entry.FullName.EndsWith("Model.key") && Contains(entry, EncodeImagesTransformer.Kind));
            byte[] bytes = Bytes(model);
            int at = bytes.AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(EncodeImagesTransformer.Kind));
            bytes[at] = (byte)'X';
            string name = model.FullName;
            model.Delete();
            using Stream stream = archive.CreateEntry(name).Open();
            stream.Write(bytes);
        }

        AssertBroken(path, "no transformer of the kind 'Xmage-encoder' is known; a newer version of Microsoft.ML.MetaMorph may have saved it.");
    }

    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AZipWithoutAModelIsNamed(bool empty)
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        if (empty) File.Delete(path);
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            if (!empty) archive.Entries.Single(entry => entry.FullName.Replace('\\', '/') == "TransformerChain/Model.key").Delete();
        }

        Assert.AreEqual(
            $"{path}: the file 'TransformerChain/Model.key' is missing; it is a zip of something else, or the model was not saved whole. {ModelZipReader.Advice}",
            Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message);
    }

    /// <summary>The key of a transformer begins with ML.NET's header, where the version that a reader needs stands behind that of the writer.</summary>
    [TestMethod]
    public void AModelOfALaterFormatIsNamed()
    {
        string path = TinyModels.SaveEncoder(_ml, Folder);
        byte[] key;
        using (ZipArchive archive = ZipFile.OpenRead(path)) key = Bytes(archive.Entries.Single(entry => entry.FullName.EndsWith("Model.key") && Contains(entry, EncodeImagesTransformer.Kind)));
        int signature = key.AsSpan().IndexOf("METAMORP"u8);
        Assert.AreEqual(0x00010001, BitConverter.ToInt32(key, signature + 12));
        key[signature + 8] = key[signature + 12] = 7;
        Replace(path, "Model.key", key);
        AssertBroken(path, "Model.key: a reader of format version 0x00010007 is needed, this version of Microsoft.ML.MetaMorph reads 0x00010001: a newer version saved the model. Use that version, or save the model again with this one.");
    }

    /// <summary>An edited name hides what the next step reads: the chain could be loaded, but no row would come through.</summary>
    [TestMethod]
    public void AStepThatHidesWhatTheNextOneReadsIsNamed()
    {
        string path = Folder["chain.zip"];
        using (EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml))
        using (ImageEncoder encoder = trained.Encoder)
        {
            IDataView rows = TinyModels.Rows(_ml, 4);
            using TransformerChain<MetaMorphTransformer> chain = _ml.MetaMorph().EncodeImages("VisualTokens", ["Image", "Image2"], encoder)
                .Append(_ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(TinyModels.TrainerOptions())).Fit(rows);
            _ml.Model.Save(chain, rows.Schema, path);
        }

        ((IDisposable)_ml.MetaMorph().LoadModel(path, out _)).Dispose();
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            ZipArchiveEntry entry = archive.Entries.Single(entry => entry.Name == SettingsJson.FileName && Contains(entry, "input_column_names"));
            string name = entry.FullName, settings = System.Text.Encoding.UTF8.GetString(Bytes(entry)).Replace("\"output_column_name\": \"VisualTokens\"", "\"output_column_name\": \"Prompt\"");
            StringAssert.Contains(settings, "\"Prompt\"");
            entry.Delete();
            using Stream stream = archive.CreateEntry(name).Open();
            stream.Write(System.Text.Encoding.UTF8.GetBytes(settings));
        }

        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"{path}: step 2 of the chain, MetaMorphTransformer, cannot read the columns that the steps before it leave: ");
        StringAssert.Contains(message, "'Prompt'");
        StringAssert.EndsWith(message, $" The names of columns of our steps stand in 'metamorph.json' in their directories; two of them do not belong together. {ModelZipReader.Advice}");
    }

    /// <summary>The same of vectors: the column of pictures is not saved with the schema, what stands behind it is told all the same.</summary>
    [TestMethod]
    [DataRow(false)]
    [DataRow(true)]
    public void AStepOfVectorsThatHidesWhatTheNextOneReadsIsNamed(bool zeroShot)
    {
        string path = Folder["vectors.zip"];
        using (LanguageImageEncoder encoder = LanguageImageEncoder.Load(ReferenceCase.Own("siglip-folder").First().Folder))
        {
            IDataView rows = TinyModels.Captions(_ml, 2);
            IEstimator<ITransformer> first = zeroShot ? _ml.MetaMorph().ClassifyZeroShot("Found", "Image", encoder, ["a"]) : _ml.MetaMorph().EmbedImages("Found", "Image", encoder);
            using TransformerChain<EmbedTextsTransformer> chain = first.Append(_ml.MetaMorph().EmbedTexts("Texts", "Caption", encoder)).Fit(rows);
            _ml.Model.Save(chain, rows.Schema, path);
        }

        ((IDisposable)_ml.MetaMorph().LoadModel(path, out _)).Dispose();
        using (ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update))
        {
            ZipArchiveEntry entry = archive.Entries.Single(entry => entry.Name == SettingsJson.FileName && Contains(entry, "\"Found\""));
            string name = entry.FullName, settings = System.Text.Encoding.UTF8.GetString(Bytes(entry)).Replace("\"Found\"", "\"Caption\"");
            entry.Delete();
            using Stream stream = archive.CreateEntry(name).Open();
            stream.Write(System.Text.Encoding.UTF8.GetBytes(settings));
        }

        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"{path}: step 2 of the chain, EmbedTextsTransformer, cannot read the columns that the steps before it leave: ");
        StringAssert.Contains(message, "'Caption'");
        StringAssert.EndsWith(message, $" The names of columns of our steps stand in 'metamorph.json' in their directories; two of them do not belong together. {ModelZipReader.Advice}");
    }

    private static void Replace(string path, string name, byte[] content)
    {
        using ZipArchive archive = ZipFile.Open(path, ZipArchiveMode.Update);
        ZipArchiveEntry entry = archive.Entries.Single(entry => entry.Name == name);
        string fullName = entry.FullName;
        entry.Delete();
        using Stream stream = archive.CreateEntry(fullName, CompressionLevel.NoCompression).Open();
        stream.Write(content);
    }

    /// <summary>Loading names the zip and the file in it and says what to do: outright by LoadModel, inside ML.NET's wrapping by Model.Load.</summary>
    private void AssertBroken(string path, params string[] parts)
    {
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(path, out _)).Message;
        StringAssert.StartsWith(message, $"{path}, ");
        foreach (string part in parts) StringAssert.Contains(message, part);
        var wrapped = Assert.ThrowsExactly<System.Reflection.TargetInvocationException>(() => _ml.Model.Load(path, out _));
        Assert.AreEqual(message, ModelZipErrors.Unwrap(wrapped).Message);
    }

    /// <summary>The checksum bit by bit, from its definition.</summary>
    private static uint Crc(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in bytes)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ ((crc & 1) == 0 ? 0 : 0xEDB88320);
        }

        return ~crc;
    }

    private static bool Contains(ZipArchiveEntry entry, string word) => Bytes(entry).AsSpan().IndexOf(System.Text.Encoding.UTF8.GetBytes(word)) >= 0;

    private static byte[] Bytes(ZipArchiveEntry entry)
    {
        using Stream stream = entry.Open();
        using var bytes = new MemoryStream();
        stream.CopyTo(bytes);
        return bytes.ToArray();
    }
}
