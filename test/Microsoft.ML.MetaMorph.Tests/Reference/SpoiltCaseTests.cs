using System.Text.Json.Nodes;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A reference case from which something was taken does not pass.</summary>
[TestClass]
public sealed class SpoiltCaseTests
{
    private const string Case = "case.json", Figures = "io.safetensors";

    [TestMethod]
    public void AnAverageThatNothingComparesFails()
    {
        using ScratchFolder folder = Copy("ema");
        MovingAverageCheck.Check(new ReferenceCase(folder.Path));
        JsonNode json = JsonNode.Parse(File.ReadAllText(folder[Case]))!;
        json["cases"]!.AsObject().Remove("late");
        folder.Write(Case, json.ToJsonString());
        TensorAssert.Throws<AssertFailedException>(() => MovingAverageCheck.Check(new ReferenceCase(folder.Path)), "not compared: late.0, late.1, late.2, late.3, late.4, late.decays, late.frozen.0");
    }

    [TestMethod]
    public void AnAverageOfNoStepsFails()
    {
        using ScratchFolder folder = Copy("ema");
        using var scope = NewDisposeScope();
        Rewrite(folder, figures => figures["capped.decays"] = zeros([0], ScalarType.Float64));
        TensorAssert.Throws<AssertFailedException>(() => MovingAverageCheck.Check(new ReferenceCase(folder.Path)), "capped: decays of 5 updates");
    }

    [TestMethod]
    public void GradientsWithoutTheirLossFail()
    {
        using ScratchFolder folder = Copy("sd-unet-options");
        using var scope = NewDisposeScope();
        Rewrite(folder, figures => figures.Remove("mse"));
        TensorAssert.Throws<AssertFailedException>(() => UNetCheck.Check(new ReferenceCase(folder.Path)), "figures that nothing compares");
        Rewrite(folder, figures => figures.Keys.Where(key => key.StartsWith("grad.", StringComparison.Ordinal)).ToList().ForEach(key => figures.Remove(key)));
        TensorAssert.Throws<AssertFailedException>(() => UNetCheck.Check(new ReferenceCase(folder.Path)), "figures that nothing compares");
    }

    private static ScratchFolder Copy(string name)
    {
        var folder = new ScratchFolder();
        Directory.CreateDirectory(folder.Path);
        foreach (string file in Directory.GetFiles(ReferenceCase.OwnCase(name).Folder)) File.Copy(file, folder[Path.GetFileName(file)]);
        return folder;
    }

    private static void Rewrite(ScratchFolder folder, Action<Dictionary<string, Tensor>> change)
    {
        Dictionary<string, Tensor> figures = PlainSafeTensors.Read(folder[Figures]).ToDictionary();
        change(figures);
        File.Delete(folder[Figures]);
        SafeTensorsWriter.Write(folder[Figures], figures);
    }
}
