using System.Text.RegularExpressions;
using TorchSharp;
using static Microsoft.ML.MetaMorph.Tests.PictureTrainings;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A training that began with a pretrained model goes on with that model alone.</summary>
[TestClass]
public sealed partial class PretrainedCheckpointTests : FolderTests
{
    private readonly MLContext _ml = new(seed: 1);
    private readonly PictureTrainings _trainings;

    public PretrainedCheckpointTests() => _trainings = new PictureTrainings(_ml);

    public static IEnumerable<object[]> Trainers => Names.Concat(Towers).Select(name => new object[] { name });

    private Run Begun => new() { Folder = Folder["checkpoints"], Pretrained = Folder["start"], Steps = 4, Interval = 100 };

    [ClassInitialize]
    public static void BeginOneThread(TestContext _) => OneThread.Begin();

    [ClassCleanup]
    public static void EndOneThread() => OneThread.End();

    [TestMethod]
    [DynamicData(nameof(Trainers))]
    public void OtherWeightsUnderTheSamePathAreRefused(string trainer)
    {
        Save(trainer, seed: 7);
        Dictionary<string, torch.Tensor> whole = _trainings.Fit(trainer, _trainings.Shuffled(), Begun with { Folder = null });
        Kill(trainer, Begun);
        string weights = Weights(trainer);
        FlipBit(weights);
        Assert.AreEqual(Another("Model of PretrainedFolder is weights HASH there and weights HASH here"), Refused(trainer, Begun));
        FlipBit(weights);
        Dictionary<string, torch.Tensor> resumed = _trainings.Fit(trainer, _trainings.Shuffled(), Begun);
        CollectionAssert.AreEquivalent(whole.Keys, resumed.Keys);
        foreach ((string name, torch.Tensor weight) in resumed) Assert.IsTrue(ToyTask.SameBits(whole[name], weight), name);
    }

    /// <summary>Where the adapter alone learns, all else comes from the folder each time.</summary>
    [TestMethod]
    [DataRow("Visualizer")]
    [DataRow("Autoencoder")]
    public void AnotherVariantIsRefused(string trainer)
    {
        Run run = Begun with { Variant = "fp16", Parts = VisualizerParts.Adapter };
        Save(trainer, seed: 8);
        File.Move(Weights(trainer), Weights(trainer, ".fp16"));
        Save(trainer, seed: 7);
        Kill(trainer, run);
        Assert.AreEqual(Another("Model of PretrainedFolder is weights HASH there and weights HASH here; Variant is fp16 there and absent here"), Refused(trainer, run with { Variant = null }));
        // The name is compared by itself: the same weights lie under both.
        File.Copy(Weights(trainer, ".fp16"), Weights(trainer), overwrite: true);
        Assert.AreEqual(Another("Variant is fp16 there and absent here"), Refused(trainer, run with { Variant = null }));
    }

    /// <summary>The same weights under another noise schedule, or with latents of another scale, are another start.</summary>
    [TestMethod]
    [DataRow("Visualizer", "scheduler/scheduler_config.json", "\"beta_end\": 0.02", "\"beta_end\": 0.03", "Model of PretrainedFolder, scheduler.beta_end is 0.02 there and 0.03 here")]
    [DataRow("Autoencoder", "vae/config.json", "\"scaling_factor\": 0.18215", "\"scaling_factor\": 0.2", "Model of PretrainedFolder.scaling_factor is 0.18215 there and 0.2 here")]
    public void AnotherConfigurationUnderTheSamePathIsRefused(string trainer, string file, string value, string other, string difference)
    {
        Save(trainer, seed: 7);
        Kill(trainer, Begun);
        string text = File.ReadAllText(Folder["start/" + file]), changed = text.Replace(value, other, StringComparison.Ordinal);
        Assert.AreNotEqual(text, changed, text);
        File.WriteAllText(Folder["start/" + file], changed);
        Assert.AreEqual(Another(difference), Refused(trainer, Begun));
    }

    [TestMethod]
    public void AnotherSizeOfPicturesIsRefused()
    {
        Save("Visualizer", seed: 7);
        Kill("Visualizer", Begun);
        Assert.AreEqual(Another("ImageSize is absent there and 32 here; Model of PretrainedFolder, UNet.sample_size is 4 there and 8 here"), Refused("Visualizer", Begun with { ImageSize = 32 }));
    }

    private void Kill(string trainer, Run run)
    {
        using var stop = new CancellationTokenSource();
        Assert.ThrowsExactly<OperationCanceledException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), run with
        {
            Stop = stop.Token,
            Told = status =>
            {
                if (status.Step == 2) stop.Cancel();
            },
        }));
    }

    private string Refused(string trainer, Run run) => Hash().Replace(Assert.ThrowsExactly<InvalidDataException>(() => _trainings.Fit(trainer, _trainings.Shuffled(), run)).Message, "weights HASH");

    private string Another(string differences) => $"'{Folder["checkpoints/step-00000002"]}' is a checkpoint of another training: {differences}. Fit as it was begun, or give another CheckpointFolder.";

    private void Save(string trainer, ulong seed)
    {
        using var scope = torch.NewDisposeScope();
        switch (trainer)
        {
            case "Visualizer":
                // Draws pictures of 16x16 from the 4 tokens of the rows, each 4 wide.
                VisualizerConfig config = TinyDiffusion.Pixels with
                {
                    Adapter = TinyDiffusion.Pixels.Adapter with { InputWidth = 4, TokenCount = 4, ConditionLength = 4 },
                    UNet = TinyDiffusion.Pixels.UNet with { SampleSize = [Side / 4] },
                };
                using (var model = new VisualizerModel(config, TinyDiffusion.Fresh(seed))) VisualizerFolder.Save(model, Folder["start"]);
                break;
            case "Autoencoder":
                using (var model = new AutoencoderKL(TinyDiffusion.Autoencoder with { SampleSize = [Side] }, TinyDiffusion.Fresh(seed))) AutoencoderFolder.Save(model, Folder["start"]);
                break;
            case var published when Towers.Contains(published):
                foreach (string file in Directory.GetFiles(ReferenceCase.OwnCase(published).Folder)) File.Copy(file, Path.Combine(Directory.CreateDirectory(Folder["start"]).FullName, Path.GetFileName(file)));
                break;
            default:
                TinyFolders.SaveEncoder(Folder["start"]);
                break;
        }
    }

    private string Weights(string trainer, string variant = "") => Folder["start/" + trainer switch
    {
        "Visualizer" => $"unet/diffusion_pytorch_model{variant}.safetensors",
        "Autoencoder" => $"vae/diffusion_pytorch_model{variant}.safetensors",
        _ => "model.safetensors",
    }];

    /// <summary>Of the fraction of the last weight.</summary>
    private static void FlipBit(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        bytes[^4] ^= 1;
        File.WriteAllBytes(path, bytes);
    }

    [GeneratedRegex("weights [0-9a-f]{16}")]
    private static partial Regex Hash();
}
