using System.Text.Json;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>unet</c>: predictions, the loss of noise prediction, and its gradients.</summary>
internal static class UNetCheck
{
    private const string Gradient = "grad.", WeightsName = "diffusion_pytorch_model.safetensors";

    /// <summary>How <c>odd_output</c> was made: of the upper left of the sample, at one timestep, with the first positions of the condition.</summary>
    private const long OddTimestep = 500, OddPositions = 64;

    [ReferenceKind("unet")]
    public static void Check(ReferenceCase reference)
    {
        UNet2DConditionConfig config = Config(reference);
        var source = new PlainParameters(reference.Path(WeightsName));
        using var model = new UNet2DConditionModel(config, source);
        CollectionAssert.AreEquivalent(source.Names.ToArray(), model.named_parameters().Select(p => p.name).ToArray(), $"{reference.Name}: names");
        CheckPredictions(reference, model, "with gradients");
        using (no_grad())
        {
            CheckPredictions(reference, model, "without gradients");
            using TensorArchive archive = TensorArchive.Open(reference.Folder);
            var stored = new StoredParameters(archive, CPU);
            using var mapped = new UNet2DConditionModel(config, stored);
            stored.RefuseUnused();
            CheckPredictions(reference, mapped, "mapped");
        }
        CheckLoss(reference, model);
    }

    public static UNet2DConditionConfig Config(ReferenceCase reference)
    {
        using JsonDocument json = JsonDocument.Parse(File.ReadAllText(reference.Path("config.json")));
        return UNet2DConditionConfig.FromJson(json.RootElement);
    }

    private static void CheckPredictions(ReferenceCase reference, UNet2DConditionModel model, string how)
    {
        using var scope = NewDisposeScope();
        Tensor sample = reference["sample"], timesteps = reference["timestep"], condition = reference["encoder_hidden_states"];
        reference.AreClose(reference["output"], model.Forward(sample, timesteps, condition), reference.Tolerance, $"output {how}");
        Tensor odd = reference["odd_output"];
        Tensor part = sample.narrow(2, 0, odd.size(2)).narrow(3, 0, odd.size(3));
        Tensor positions = condition.narrow(1, 0, Math.Min(OddPositions, condition.size(1)));
        reference.AreClose(odd, model.Forward(part, tensor(OddTimestep), positions), reference.Tolerance, $"output of {odd.size(2)}×{odd.size(3)} {how}");
    }

    private static void CheckLoss(ReferenceCase reference, UNet2DConditionModel model)
    {
        Tensor prediction = model.Forward(reference["sample"], reference["timestep"], reference["encoder_hidden_states"]);
        Tensor loss = F.mse_loss(prediction, reference["noise"]);
        reference.AreClose(reference["mse"].flatten(), loss.view(1), reference.Tolerance, "mse");
        loss.backward();
        var parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        foreach (string name in reference.Beginning(Gradient))
        {
            Tensor? gradient = parameters[name[Gradient.Length..]].grad;
            Assert.IsNotNull(gradient, $"{reference.Name}: {name}");
            reference.AreRelativelyClose(reference[name], gradient, reference.Tolerance, name);
        }
    }
}
