using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>The model of a <c>weights</c> case, loaded as stored: its logits.</summary>
internal static class WeightsModel
{
    public static void Check(ReferenceCase reference)
    {
        Tensor ids = reference["input_ids"], logits = reference["logits"];
        using TensorArchive archive = TensorArchive.Open(reference.Folder);
        var parameters = new StoredParameters(archive, CPU, ScalarType.Float32);
        Assert.AreEqual(ids.shape[0], logits.shape[0], reference.Name);
        Assert.IsTrue(parameters.Has("model.embed_tokens.weight"), reference.Name);
    }
}
