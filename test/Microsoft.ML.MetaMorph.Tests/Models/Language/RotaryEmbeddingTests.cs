using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class RotaryEmbeddingTests
{
    /// <summary>Every pair (i, i + d/2) of every position turned by its own rotation matrix, written out.</summary>
    [TestMethod]
    [DataRow("llama-2")]
    [DataRow("llama-linear")]
    public void TurnsPairsByTheirAngle(string name)
    {
        using var scope = NewDisposeScope();
        LanguageModelConfig config = TinyLanguageModels.Configs[name];
        var rotary = new RotaryEmbedding(config);
        RotaryTable table = rotary.Table(40, CPU);
        Tensor input = randn(1, 40, 2, config.HeadWidth);
        Tensor turned = RotaryEmbedding.Rotate(input, table.Cosine.narrow(0, 0, 40).view(1, 40, 1, -1), table.SignedSine.narrow(0, 0, 40).view(1, 40, 1, -1));
        int half = config.HeadWidth / 2;
        double stretch = config.RopeScaling?.Factor ?? 1;
        for (int p = 0; p < 40; p++)
        {
            for (int i = 0; i < half; i++)
            {
                double angle = p / stretch * Math.Pow(config.RopeTheta, -2.0 * i / config.HeadWidth);
                double a = input[0, p, 1, i].item<float>(), b = input[0, p, 1, i + half].item<float>();
                Assert.AreEqual(a * Math.Cos(angle) - b * Math.Sin(angle), turned[0, p, 1, i].item<float>(), 1e-5);
                Assert.AreEqual(b * Math.Cos(angle) + a * Math.Sin(angle), turned[0, p, 1, i + half].item<float>(), 1e-5);
            }
        }
    }

    [TestMethod]
    public void Llama3StretchesSlowFrequenciesOnly()
    {
        var scaling = new RopeScaling(RopeScalingKind.Llama3, 8, 1, 4, 8192);
        LanguageModelConfig config = TinyLanguageModels.Configs["llama-3"] with { HeadWidth = 64, RopeTheta = 500_000 };
        float[] plain = new RotaryEmbedding(config).Frequencies.ToArray();
        float[] scaled = new RotaryEmbedding(config with { RopeScaling = scaling }).Frequencies.ToArray();
        for (int i = 0; i < plain.Length; i++)
        {
            double wavelength = 2 * Math.PI / plain[i];
            if (wavelength < 8192 / 4.0) Assert.AreEqual(plain[i], scaled[i], $"fast frequency {i}");
            else if (wavelength > 8192) Assert.AreEqual(plain[i] / 8, scaled[i], $"slow frequency {i}");
            else Assert.IsTrue(scaled[i] < plain[i] && scaled[i] > plain[i] / 8, $"frequency {i} in between");
        }
    }

    [TestMethod]
    public void TheTableGrowsAndStaysTheSameWhereItWas()
    {
        var rotary = new RotaryEmbedding(TinyLanguageModels.Configs["llama-3"]);
        RotaryTable small = rotary.Table(10, CPU);
        RotaryTable large = rotary.Table(1000, CPU);
        Assert.IsTrue(large.Positions >= 1000);
        Assert.AreSame(large, rotary.Table(20, CPU));
        using var scope = NewDisposeScope();
        TensorAssert.AreClose(small.Cosine, large.Cosine.narrow(0, 0, small.Positions), 0, "cosines");
        TensorAssert.AreClose(small.SignedSine, large.SignedSine.narrow(0, 0, small.Positions), 0, "sines");
    }
}
