using System.Text.Json;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Kind <c>autoencoder-training</c>: loss parts, gradients, AdamW steps and the scaling factor, against diffusers' AutoencoderKL and torch.optim.AdamW.</summary>
internal static class AutoencoderTrainingCheck
{
    private const string WeightsName = "diffusion_pytorch_model.safetensors";

    private static readonly string[] Parts = ["total", "squared error", "absolute error", "divergence"];

    [ReferenceKind("autoencoder-training")]
    public static void Check(ReferenceCase reference)
    {
        using var scope = NewDisposeScope();
        JsonElement json = reference.Json;
        AutoencoderTrainingOptions plain = Options(json, 1), foreground = Options(json, json.GetProperty("weights").GetProperty("foreground").GetDouble());
        using TensorArchive archive = CheckpointKeys.ForAutoencoder(TensorArchive.Open(reference.Path(WeightsName)));
        using var model = new AutoencoderKL(AutoencoderCheck.Config(reference), new OwnedParameters(new StoredParameters(archive, CPU, trainable: true)));
        Dictionary<string, Parameter> parameters = model.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        using (var flat = new FlatParameters(AutoencoderKLTrainer.Groups(model, plain)))
        using (var optimizer = new FlatAdamW(flat, new AdamWSettings(plain.Beta1, plain.Beta2, plain.Epsilon)))
        {
            for (int step = 0; step < json.GetProperty("steps").GetInt32(); step++)
            {
                Accumulate("plain", plain, step, flat);
                Accumulate("foreground", foreground, step, flat);
                optimizer.Step(plain.LearningRate);
                foreach (string name in Names("compared")) reference.AreClose(reference[$"step{step + 1}.{name}"], parameters[name], reference.Tolerance, $"{name} after step {step + 1}");
            }
        }
        using var trainer = new AutoencoderKLTrainer(model, CPU, plain);
        double factor = trainer.MeasureScalingFactor(Inputs("pictures.").Select(pictures => new PictureBatch(pictures)));
        reference.AreClose(reference["scaling_factor"].item<float>(), factor, reference.Tolerance * factor, "scaling factor");

        void Accumulate(string what, AutoencoderTrainingOptions options, int step, FlatParameters flat)
        {
            flat.ZeroGradients();
            var objective = new AutoencoderObjective(model, CPU, options);
            Tensor pictures = reference[$"pictures.{step}"], noise = reference[$"noise.{step}"];
            long count = pictures.shape[0];
            // Two parts, as a step with PicturesAtATime: they must add up to the whole.
            AutoencoderLosses losses = (objective.Accumulate(pictures.narrow(0, 0, 1), noise.narrow(0, 0, 1), count) + objective.Accumulate(pictures.narrow(0, 1, count - 1), noise.narrow(0, 1, count - 1), count)) / count;
            Assert.AreEqual(Parts.Length, reference[$"{what}.losses.{step}"].numel(), $"{reference.Name}: {what}: parts of the loss at step {step}");
            float[] expected = reference[$"{what}.losses.{step}"].data<float>().ToArray();
            double[] actual = [losses.Total, losses.SquaredError, losses.AbsoluteError, losses.Divergence];
            for (int i = 0; i < Parts.Length; i++) reference.AreClose(expected[i], actual[i], reference.Tolerance * Math.Max(1, actual[i]), $"{what}: {Parts[i]} at step {step}");
            foreach (string name in Names("gradients")) reference.AreRelativelyClose(reference[$"{what}.grad.{step}.{name}"], parameters[name].grad!, 10 * reference.Tolerance, $"{what}: gradient of {name} at step {step}");
        }

        string[] Names(string key) => [.. json.GetProperty(key).EnumerateArray().Select(name => name.GetString()!)];

        IEnumerable<Tensor> Inputs(string prefix) => reference.Beginning(prefix).Select(name => reference[name].clone());
    }

    private static AutoencoderTrainingOptions Options(JsonElement json, double foreground)
    {
        JsonElement weights = json.GetProperty("weights"), optimizer = json.GetProperty("optimizer");
        return new AutoencoderTrainingOptions
        {
            SquaredErrorWeight = weights.GetProperty("squared_error").GetDouble(),
            AbsoluteErrorWeight = weights.GetProperty("absolute_error").GetDouble(),
            DivergenceWeight = weights.GetProperty("divergence").GetDouble(),
            ForegroundWeight = foreground,
            LearningRate = optimizer.GetProperty("learning_rate").GetDouble(),
            Beta1 = optimizer.GetProperty("beta1").GetDouble(),
            Beta2 = optimizer.GetProperty("beta2").GetDouble(),
            Epsilon = optimizer.GetProperty("epsilon").GetDouble(),
            WeightDecay = optimizer.GetProperty("weight_decay").GetDouble(),
            Precision = Precision.Float32,
        };
    }
}
