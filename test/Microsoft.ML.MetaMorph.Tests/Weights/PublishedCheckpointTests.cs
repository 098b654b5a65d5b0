using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Checkpoints in the published layout fill our modules to the last tensor.</summary>
[TestClass]
public sealed class PublishedCheckpointTests
{
    private static IEnumerable<ReferenceCase> Checkpoints => ReferenceCase.Own("metamorph");

    [TestMethod]
    public void TheLanguageModelWithItsConnectors()
    {
        foreach (ReferenceCase reference in Checkpoints)
        {
            using var scope = NewDisposeScope();
            using TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(reference.Folder));
            var parameters = new StoredParameters(archive, CPU);
            using var model = new MetaMorphModel(MetaMorphConfig.FromJson(Config(reference)), parameters);
            parameters.RefuseUnused();
            var stored = PlainSafeTensors.Read(reference.Path("model.safetensors"));
            foreach ((string name, Tensor parameter) in model.named_parameters()) TensorAssert.AreIdentical(stored[name], parameter, $"{reference.Name}: {name}");
        }
    }

    [TestMethod]
    public void TheVisionEncoderWithin()
    {
        foreach (ReferenceCase reference in Checkpoints)
        {
            using var scope = NewDisposeScope();
            if (MetaMorphConfig.FromJson(Config(reference)).Vision is not { } vision) continue;
            using TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(reference.Folder));
            var parameters = new StoredParameters(archive, CPU);
            using var model = new SiglipVisionModel(vision, parameters);
            parameters.RefuseUnused();
        }
    }

    [TestMethod]
    public void AModelIsWrittenUnderThePublishedNamesAndReadBack()
    {
        foreach (ReferenceCase reference in Checkpoints)
        {
            using var scope = NewDisposeScope();
            using var folder = new ScratchFolder();
            MetaMorphConfig config = MetaMorphConfig.FromJson(Config(reference));
            using TensorArchive archive = CheckpointKeys.ForMetaMorph(TensorArchive.Open(reference.Folder));
            using var model = new MetaMorphModel(config, new StoredParameters(archive, CPU, trainable: true));
            SafeTensorsWriter.WriteSharded(folder.Path, model.named_parameters().Select(p => KeyValuePair.Create(p.name, (Tensor)p.parameter)), maxShardBytes: 100_000);
            using TensorArchive written = TensorArchive.Open(folder.Path);
            Assert.IsInstanceOfType<ShardedArchive>(written);
            foreach (string name in archive.Tensors.Keys) TensorAssert.AreIdentical(archive.Read(name), written.Read(name), $"{reference.Name}: {name}");
        }
    }

    private static JsonElement Config(ReferenceCase reference) => JsonDocument.Parse(File.ReadAllText(reference.Path("config.json"))).RootElement;
}
