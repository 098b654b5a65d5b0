using System.Diagnostics;
using System.Security.Cryptography;

namespace FineTune.Tests;

/// <summary>A run that is killed in each of its trainings, and gone on with, ends with the weights of one that never was.</summary>
[TestClass]
public sealed class KilledRunTests
{
    private const string Steps = "30", Every = "5";

    private static TinyData _data = null!;
    private static string _whole = null!;

    [ClassInitialize]
    public static void TrainWhole(TestContext _)
    {
        _data = new TinyData();
        _whole = _data.File("whole");
        CommandRun run = Train(_whole, kill: null);
        Assert.AreEqual(0, run.Code, run.Errors);
    }

    [ClassCleanup]
    public static void Remove() => _data.Dispose();

    [TestMethod]
    public void AKilledRunEndsWithTheSameWeights()
    {
        string killed = _data.File("killed");
        // Before the first checkpoint of the encoder, then behind the first of the language model.
        CommandRun first = Train(killed, line => line.StartsWith("  step 1/", StringComparison.Ordinal));
        Assert.AreNotEqual(0, first.Code);
        Assert.IsFalse(Directory.Exists(Path.Combine(killed, "encoder")));
        bool answers = false;
        CommandRun second = CommandRun.OwnProcess(line => (answers |= line.StartsWith("Language model", StringComparison.Ordinal)) && line.StartsWith("  step 5/", StringComparison.Ordinal), "resume", "--out", killed);
        Assert.AreNotEqual(0, second.Code);
        Assert.IsTrue(Directory.Exists(Path.Combine(killed, "encoder")));
        Assert.IsFalse(Directory.Exists(Path.Combine(killed, "model")), second.Output);
        CommandRun third = CommandRun.OwnProcess(null, "resume", "--out", killed);
        Assert.AreEqual(0, third.Code, third.Errors);
        StringAssert.DoesNotMatch(third.Output, new System.Text.RegularExpressions.Regex("step 1/"), "nothing is learned twice");
        foreach (string phase in (string[])["encoder", "model"]) Assert.AreEqual(Hashes(_whole, phase), Hashes(killed, phase), phase);
        // As many lines as steps, each once.
        string[] lines = File.ReadAllLines(Path.Combine(killed, "logs", "language-model", "steps.csv"));
        CollectionAssert.AreEqual(Enumerable.Range(1, 30).Select(step => $"{step}").ToArray(), lines.Skip(1).Select(line => line.Split(',')[0]).ToArray());
    }

    [TestMethod]
    public void AFinishedRunIsNotGoneOnWith()
    {
        string before = Hashes(_whole, "model");
        CommandRun run = CommandRun.InProcess("resume", "--out", _whole);
        Assert.AreEqual((0, $"The run in {_whole} is finished; its model is in {Path.Combine(_whole, "model")}."), (run.Code, run.Output.Trim()), run.Errors);
        Assert.AreEqual(before, Hashes(_whole, "model"));
        CommandRun again = CommandRun.InProcess([.. Arguments(_whole)]);
        Assert.AreEqual((1, $"'{_whole}' holds a run already, which is finished. Give another --out to train anew."), (again.Code, again.Errors.Trim()));
    }

    [TestMethod]
    public void ARunLeavesCurvesAndFigures()
    {
        foreach (string phase in (string[])["encoder", "language-model"])
        {
            Assert.HasCount(31, File.ReadAllLines(Path.Combine(_whole, "logs", phase, "steps.csv")));
            Assert.IsNotEmpty(Directory.GetFiles(Path.Combine(_whole, "logs", phase), "*tfevents*"));
            using SkiaSharp.SKBitmap curves = SkiaSharp.SKBitmap.Decode(Path.Combine(_whole, $"loss-{phase}.png"));
            Assert.AreEqual((960, 540), (curves.Width, curves.Height));
            Assert.IsGreaterThan(3, curves.Pixels.Distinct().Count());
        }
    }

    [TestMethod]
    public void ARunThatIsAskedToStopSavesFirst()
    {
        if (OperatingSystem.IsWindows()) Assert.Inconclusive("Windows has no signal to ask with.");
        string output = _data.File("stopped");
        CommandRun run = CommandRun.OwnProcess(line => line.StartsWith("  step 5/", StringComparison.Ordinal), process => Process.Start("kill", ["-TERM", $"{process.Id}"]).WaitForExit(), [.. Arguments(output, steps: "2000")]);
        Assert.AreEqual((130, $"Stopped; what was learned is saved. Go on with: dotnet run -c Release --project samples/FineTune -- resume --out {output}"), (run.Code, run.Errors.Trim()));
        string last = File.ReadLines(Path.Combine(output, "logs", "encoder", "steps.csv")).Last().Split(',')[0];
        string[] checkpoints = [.. Directory.GetDirectories(Path.Combine(output, "checkpoints", "encoder")).Select(folder => Path.GetFileName(folder)).Order(StringComparer.Ordinal)];
        Assert.AreEqual($"step-{int.Parse(last, System.Globalization.CultureInfo.InvariantCulture):D8}", checkpoints[^1], "the last step that was learned is saved");
    }

    [TestMethod]
    public void OtherRowsAreRefused()
    {
        using var data = new TinyData();
        string output = data.File("other");
        CommandRun.OwnProcess(line => line.StartsWith("  step 1/", StringComparison.Ordinal), [.. Arguments(output, data)]);
        File.AppendAllText(data.Rows, "{}\n");
        CommandRun run = CommandRun.InProcess("resume", "--out", output);
        Assert.AreEqual((1, $"'{data.Rows}' is not what it was when the run in '{output}' began. Put the old rows back, or train anew into another --out."), (run.Code, run.Errors.Trim()));
    }

    [TestMethod]
    public void TheTrainedModelAnswers()
    {
        CommandRun words = CommandRun.InProcess("try", "--out", _whole, "--prompt", "Which colour is it?", "--image", _data.Picture, "--max-tokens", "24");
        Assert.AreEqual(0, words.Code, words.Errors);
        CommandRun wrong = CommandRun.InProcess("try", "--out", _whole, "--prompt", "<image> and <image>?", "--image", _data.Picture);
        Assert.AreEqual((1, "The prompt has 2 <image> marks, and 1 pictures are given by --image. Give each mark one."), (wrong.Code, wrong.Errors.Trim()));
    }

    [TestMethod]
    public void AnEvaluationCountsEveryKind()
    {
        string json = _data.File("scores.json");
        CommandRun run = CommandRun.InProcess("evaluate", "--out", _whole, "--data", _data.Rows, "--images", _data.Images, "--json", json, "--max-tokens", "24");
        Assert.AreEqual(0, run.Code, run.Errors);
        using var scores = System.Text.Json.JsonDocument.Parse(File.ReadAllText(json));
        Assert.AreEqual(24, scores.RootElement.GetProperty("rows").GetInt32());
        foreach ((string kind, int pictures) in ((string, int)[])[("textOnly", 0), ("imageQuestion", 0), ("textToImage", 6), ("imageToImage", 6)])
        {
            System.Text.Json.JsonElement score = scores.RootElement.GetProperty("kinds").GetProperty(kind);
            Assert.AreEqual((6, 0, pictures), (score.GetProperty("rows").GetInt32(), score.GetProperty("failed").GetInt32(), score.GetProperty("pictures").GetInt32()), kind);
        }
    }

    [TestMethod]
    public void AnAdapterIsTrainedAndMerged()
    {
        string output = _data.File("adapted");
        CommandRun run = CommandRun.InProcess([.. Arguments(output, steps: "4"), .. Pretrained, "--lora", "2"]);
        Assert.AreEqual(0, run.Code, run.Errors);
        CommandRun merge = CommandRun.InProcess("merge", "--out", output);
        Assert.AreEqual(0, merge.Code, merge.Errors);
        Assert.AreNotEqual(Hashes(_whole, "model"), Hashes(output, "merged"), "it learned");
        Assert.AreEqual(Hashes(output, "model"), Hashes(output, "merged"));
        CommandRun twice = CommandRun.InProcess("merge", "--out", output);
        Assert.AreEqual((1, $"'{Path.Combine(output, "merged")}' is there already. Remove it, or give another folder by --to."), (twice.Code, twice.Errors.Trim()));
        CommandRun whole = CommandRun.InProcess("merge", "--out", _whole);
        Assert.AreEqual((1, $"The run in '{_whole}' has no base: all of its weights were trained, and '{Path.Combine(_whole, "model")}' holds them. Give --model to merge an adapter into another one."), (whole.Code, whole.Errors.Trim()));
    }

    [TestMethod]
    public void AnAdapterBesideEightBitsEndsTheSameWhenKilled()
    {
        string whole = _data.File("eight-bits"), killed = _data.File("eight-bits-killed");
        string[] arguments = [.. Pretrained, "--lora", "2", "--int8"];
        CommandRun first = CommandRun.InProcess([.. Arguments(whole), .. arguments]);
        Assert.AreEqual(0, first.Code, first.Errors);
        CommandRun second = CommandRun.OwnProcess(line => line.StartsWith("  step 5/", StringComparison.Ordinal), [.. Arguments(killed), .. arguments]);
        Assert.AreNotEqual(0, second.Code);
        CommandRun third = CommandRun.InProcess("resume", "--out", killed);
        Assert.AreEqual(0, third.Code, third.Errors);
        Assert.AreEqual(Hashes(whole, "model"), Hashes(killed, "model"));
        Assert.AreEqual(Hashes(whole, "adapter", "adapter_model"), Hashes(killed, "adapter", "adapter_model"));
    }

    private static string[] Pretrained => ["--model", Path.Combine(_whole, "model"), "--encoder", Path.Combine(_whole, "encoder")];

    private static CommandRun Train(string output, Func<string, bool>? kill) => CommandRun.OwnProcess(kill, [.. Arguments(output)]);

    private static IEnumerable<string> Arguments(string output, TinyData? data = null, string steps = Steps)
        => ["train", "--data", (data ?? _data).Rows, "--images", (data ?? _data).Images, "--out", output, "--steps", steps, "--checkpoint-every", Every, "--threads", "1", .. TinySizes.Arguments];

    private static string Hashes(string run, string folder, string name = "model")
    {
        string[] files = [.. Directory.GetFiles(Path.Combine(run, folder), name + "*.safetensors").Order(StringComparer.Ordinal)];
        Assert.IsNotEmpty(files, folder);
        return string.Join('\n', files.Select(file => $"{Path.GetFileName(file)} {Convert.ToHexString(SHA256.HashData(File.ReadAllBytes(file)))}"));
    }
}
