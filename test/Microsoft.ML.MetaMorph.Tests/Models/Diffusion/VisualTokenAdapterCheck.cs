using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>visual-token-adapter</c>: conditioning vectors of visual tokens, from safetensors and from the published checkpoint.</summary>
internal static class VisualTokenAdapterCheck
{
    [ReferenceKind("visual-token-adapter")]
    public static void Check(ReferenceCase reference)
    {
        VisualTokenAdapterConfig config = JsonFile.Read(reference.Path(VisualizerFolder.AdapterConfig), VisualTokenAdapterConfig.FromJson);
        string[] files = [.. new[] { "model.safetensors", VisualizerFolder.AdapterCheckpoint }.Where(f => File.Exists(reference.Path(f)))];
        Assert.IsNotEmpty(files, $"{reference.Name}: no weights");
        foreach (string file in files)
        {
            using TensorArchive archive = CheckpointKeys.ForVisualizerPart(TensorArchive.Open(reference.Path(file)));
            var stored = new StoredParameters(archive, CPU);
            using var adapter = new VisualTokenAdapter(config, stored);
            stored.RefuseUnused();
            Tensor output = adapter.Forward(reference["input"]);
            reference.AreClose(reference["output"], output, reference.Tolerance, $"output of {file}");
            Tensor padded = adapter.Condition(reference["input"]).Context;
            reference.AreClose(reference["output"], padded.narrow(1, 0, output.size(1)), reference.Tolerance, $"condition of {file}");
            Assert.AreEqual(Math.Max(77, output.size(1)), padded.size(1), $"{reference.Name}: positions");
            Assert.AreEqual(0f, padded.narrow(1, output.size(1), padded.size(1) - output.size(1)).abs().sum().item<float>(), $"{reference.Name}: padding");
        }
    }
}
