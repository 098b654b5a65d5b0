using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class CheckpointKeysTests
{
    private static readonly string[] Published =
    [
        "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "model.norm.weight", "lm_head.weight", "model.mm_projector.0.weight", "vision_head.2.bias",
        "model.vision_tower.vision_tower.vision_model.embeddings.patch_embedding.weight", "model.vision_proj.weight", "model.layers.0.self_attn.rotary_emb.inv_freq",
    ];

    [TestMethod]
    public void AMetaMorphCheckpointHasTheNamesOfItsModules() => CheckNames(CheckpointKeys.ForMetaMorph, Published,
        "model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight", "model.norm.weight", "lm_head.weight", "model.mm_projector.0.weight", "vision_head.2.bias");

    [TestMethod]
    public void TheModelPrefixMayBeMissing() => CheckNames(CheckpointKeys.ForMetaMorph,
        ["embed_tokens.weight", "layers.0.mlp.up_proj.weight", "mm_projector.weight", "lm_head.weight", "vision_head.weight", "vision_tower.vision_tower.head.probe"],
        "model.embed_tokens.weight", "model.layers.0.mlp.up_proj.weight", "model.mm_projector.weight", "lm_head.weight", "vision_head.weight");

    [TestMethod]
    public void TheFirstStageHoldsProjectorAndEmbedding() => CheckNames(CheckpointKeys.ForMetaMorph,
        ["model.mm_projector.0.weight", "model.mm_projector.2.bias", "model.embed_tokens.weight"], "model.mm_projector.0.weight", "model.mm_projector.2.bias", "model.embed_tokens.weight");

    [TestMethod]
    public void TheVisionEncoderIsFoundInEverySpelling()
    {
        CheckNames(CheckpointKeys.ForSiglip, Published, "vision_model.embeddings.patch_embedding.weight");
        CheckNames(CheckpointKeys.ForSiglip, ["model.vision_tower.vision_tower.head.probe", "lm_head.weight"], "vision_model.head.probe");
        CheckNames(CheckpointKeys.ForSiglip, ["vision_model.head.probe", "text_model.head.weight", "logit_scale", "vision_model.embeddings.position_ids"], "vision_model.head.probe", "text_model.head.weight", "logit_scale");
        CheckNames(CheckpointKeys.ForSiglip, ["encoder.layers.0.mlp.fc1.weight", "post_layernorm.bias"], "vision_model.encoder.layers.0.mlp.fc1.weight", "vision_model.post_layernorm.bias");
    }

    [TestMethod]
    public void TwoSpellingsOfOneNameAreRefused()
        => TensorAssert.Throws<InvalidDataException>(() => CheckNames(CheckpointKeys.ForMetaMorph, ["norm.weight", "model.norm.weight"]), "'norm.weight'", "'model.norm.weight'");

    [TestMethod]
    public void PartsAreTold() => CollectionAssert.AreEqual(
        new[] { "language model", "language model", "language model", "language model", "projector", "vision head", "vision encoder", "unused", "language model" },
        Published.Select(CheckpointKeys.Part).ToArray());

    private static void CheckNames(Func<TensorArchive, TensorArchive> map, string[] stored, params string[] expected)
    {
        using var folder = new ScratchFolder();
        using var scope = NewDisposeScope();
        SafeTensorsWriter.Write(folder["a.safetensors"], stored.Select((name, i) => KeyValuePair.Create(name, full(1, i + 1.5f))));
        using TensorArchive plain = TensorArchive.Open(folder["a.safetensors"]);
        using TensorArchive mapped = map(plain);
        CollectionAssert.AreEquivalent(expected, mapped.Tensors.Keys.ToArray());
        foreach (string name in expected) TensorAssert.AreIdentical(plain.Read(((RenamedArchive)mapped).StoredName(name)), mapped.Read(name), name);
    }
}
