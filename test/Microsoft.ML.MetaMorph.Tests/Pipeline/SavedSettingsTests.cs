using System.IO.Compression;
using System.Text;
using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The settings in a model zip are a readable file, which people edit: a value out of range is refused with zip, file and value.</summary>
[TestClass]
public sealed class SavedSettingsTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);

    private string Zip => Folder["model.zip"];

    [TestMethod]
    public void AnEncodersAreChecked()
    {
        using (EncodeImagesTransformer encoder = TinyModels.TrainEncoder(_ml)) _ml.Model.Save(encoder, TinyModels.Captions(_ml, 1).Schema, Zip);
        byte[] sound = File.ReadAllBytes(Zip);
        AssertRefused(sound, "batch_size", -5, "batch_size is -5; it must be at least 1 and at most 65536.");
        AssertRefused(sound, "batch_size", int.MaxValue, "broken: batch_size is 2147483647; it must be at least 1 and at most 65536. ");
        AssertRefused(sound, "output_column_name", "", "broken: output_column_name is empty; it must be the name of a column. ");
        AssertRefused(sound, "input_column_names", new JsonArray(), "input_column_names is empty; it must be a list of at least one column of pictures.");
        AssertRefused(sound, "input_column_names", new JsonArray("Image", null), "broken: input_column_names[1] is null; each entry must be the name of a column. ");
        AssertRefused(sound, "error_column_name", "", "broken: error_column_name is empty; name a column, or set it to null for none. ");
        AssertRefused(sound, "error_column_name", "VisualTokens", "Two columns would be appended as 'VisualTokens'.");
        AssertRefused(sound, "error_column_name", "Image", "broken: input_column_names[0], which is read, and error_column_name, which is appended, are both 'Image', so the appended column would hide the other. Give one of them another name. ");
        AssertRefused(sound, "precision", 9, "precision is 9; it must be 0 (Auto), 1 (Float32), 2 (BFloat16).");
        AssertRefused(sound, "output_column_name", null, "output_column_name is null; it must be the name of a column.");
        AssertRefused(sound, "input_column_names", null, "input_column_names is null; it must be a list of at least one column of pictures.");
        AssertLoads(sound, "batch_size", 3);
    }

    [TestMethod]
    public void AMetaMorphsAreChecked()
    {
        IDataView data = EncodedRow.Rows(_ml, 4);
        using (MetaMorphTransformer model = EncodedRow.Train(_ml, data)) _ml.Model.Save(model, data.Schema, Zip);
        byte[] sound = File.ReadAllBytes(Zip);
        AssertRefused(sound, "batch_size", 0, "batch_size is 0; it must be at least 1 and at most 65536.");
        AssertRefused(sound, "batch_size", int.MaxValue, "broken: batch_size is 2147483647; it must be at least 1 and at most 65536. ");
        AssertRefused(sound, "prompt_column_name", "", "broken: prompt_column_name is empty; it must be the name of a column. ");
        AssertRefused(sound, "visual_tokens_column_name", "", "broken: visual_tokens_column_name is empty; name a column, or set it to null where no row has pictures. ");
        AssertRefused(sound, "error_column_name", "PredictedResponse", "Two columns would be appended as 'PredictedResponse'.");
        AssertRefused(sound, "output_column_name", "Prompt", "broken: prompt_column_name, which is read, and output_column_name, which is appended, are both 'Prompt', so the appended column would hide the other. Give one of them another name. ");
        AssertRefused(sound, "precision", -1, "precision is -1; it must be 0 (Auto), 1 (Float32), 2 (BFloat16).");
        AssertRefused(sound, "generation", new JsonObject { ["max_new_tokens"] = -1 }, "broken: max_new_tokens is -1; it must be at least 1.");
        AssertRefused(sound, "generation", new JsonObject { ["stop_strings"] = null }, "broken: stop_strings is null; it must be a list of texts, an empty one for none. ");
        AssertRefused(sound, "generation", new JsonObject { ["stop_strings"] = new JsonArray("a", "") }, "broken: stop_strings[1] is empty; an empty text would end every response at once. ");
        AssertRefused(sound, "generation", null, "generation is null; it must be an object with the options of generation.");
        AssertRefused(sound, "response_visual_tokens_column_name", "", "broken: response_visual_tokens_column_name is empty; name a column, or set it to null where prompts and responses have their pictures in one column. ");
        AssertRefused(sound, "response_visual_tokens_column_name", "VisualTokens", "broken: visual_tokens_column_name and response_visual_tokens_column_name are both 'VisualTokens'; where prompts and responses have their pictures in one column, set the latter to null. ");
        AssertLoads(sound, "batch_size", 65_536);
    }

    [TestMethod]
    public void AVisualizersAreChecked()
    {
        IDataView data = RecordedPrecisionTests.SaveVisualizer(_ml, Precision.Float32, Zip);
        Assert.IsNotNull(data.Schema.GetColumnOrNull("Tokens"));
        byte[] sound = File.ReadAllBytes(Zip);
        AssertRefused(sound, "batch_size", -5, "batch_size is -5; it must be at least 1 and at most 65536.");
        AssertRefused(sound, "batch_size", int.MaxValue, "broken: batch_size is 2147483647; it must be at least 1 and at most 65536. ");
        AssertRefused(sound, "maximum_images", 0, "maximum_images is 0; it must be at least 1 and at most 1024.");
        AssertRefused(sound, "maximum_images", 1025, "maximum_images is 1025; it must be at least 1 and at most 1024.");
        AssertRefused(sound, "input_column_name", "", "input_column_name is ''; it must be the name of a column.");
        AssertRefused(sound, "precision", 3, "precision is 3; it must be 0 (Auto), 1 (Float32), 2 (BFloat16).");
        AssertRefused(sound, "generation", new JsonObject { ["steps"] = 0 }, "broken: steps is 0; it must be at least 1.");
        AssertRefused(sound, "generation", null, "generation is null; it must be an object with the options of drawing.");
        AssertLoads(sound, "maximum_images", 2);
    }

    private void AssertRefused(byte[] sound, string name, JsonNode? value, string problem)
    {
        Write(sound, name, value);
        string message = Assert.ThrowsExactly<InvalidDataException>(() => _ml.MetaMorph().LoadModel(Zip, out _)).Message;
        StringAssert.StartsWith(message, $"{Zip}, ");
        StringAssert.Contains(message, "the file 'metamorph.json' is broken: ");
        StringAssert.Contains(message, problem);
        StringAssert.EndsWith(message, ModelZipReader.Advice);
    }

    private void AssertLoads(byte[] sound, string name, JsonNode value)
    {
        Write(sound, name, value);
        using var loaded = (BatchTransformer)_ml.MetaMorph().LoadModel(Zip, out _);
        if (name == "batch_size") Assert.AreEqual((int)value, loaded.BatchSize);
    }

    private void Write(byte[] sound, string name, JsonNode? value)
    {
        File.WriteAllBytes(Zip, sound);
        using ZipArchive archive = ZipFile.Open(Zip, ZipArchiveMode.Update);
        ZipArchiveEntry entry = archive.Entries.Single(entry => entry.Name == SettingsJson.FileName);
        string fullName = entry.FullName;
        JsonNode settings;
        using (Stream stream = entry.Open()) settings = JsonNode.Parse(stream)!;
        Assert.IsTrue(settings.AsObject().ContainsKey(name), $"the file has no {name}");
        settings[name] = value;
        entry.Delete();
        using Stream target = archive.CreateEntry(fullName).Open();
        target.Write(Encoding.UTF8.GetBytes(settings.ToJsonString()));
    }
}
