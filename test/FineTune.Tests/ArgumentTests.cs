namespace FineTune.Tests;

/// <summary>Arguments that cannot be: one line, and exit code 64.</summary>
[TestClass]
public sealed class ArgumentTests
{
    [TestMethod]
    [DataRow("train --data DATA --out OUT", "Neither --steps nor --hours is given; one of them ends the training.")]
    [DataRow("train --data DATA --out OUT --steps 5 --hours 1", "--steps and --hours are both given; one of them ends the training.")]
    [DataRow("train --data DATA --out OUT --steps 0", "--steps is '0'; it must be a whole number of at least 1.")]
    [DataRow("train --data DATA --out OUT --hours long", "--hours is 'long'; it must be a number above 0.")]
    [DataRow("train --data DATA --out OUT --steps 5 --lora 4", "--lora needs --model: an adapter changes a model that has learned already.")]
    [DataRow("train --data DATA --out OUT --steps 5 --int8", "--int8 needs --lora: weights that learn cannot be held in eight bits.")]
    [DataRow("train --data DATA --out OUT --steps 5 --hidden-size 40", "--hidden-size is '40'; it must be a multiple of 32.")]
    [DataRow("train --data DATA --out DATA --steps 5", "--out is 'DATA'; it must be a folder.")]
    [DataRow("validate --data OUT", "--data is 'OUT'; there is no such file.")]
    [DataRow("validate --data DATA --images OUT", "--images is 'OUT'; there is no such folder.")]
    [DataRow("resume --out OUT", "--out is 'OUT'; there is no run in it ('train' makes one).")]
    public void AreToldAtOnce(string line, string problem)
    {
        using var data = new TinyData();
        string Filled(string text) => text.Replace("DATA", data.Rows, StringComparison.Ordinal).Replace("OUT", data.File("out"), StringComparison.Ordinal);
        CommandRun run = CommandRun.InProcess([.. line.Split(' ').Select(Filled)]);
        Assert.AreEqual((64, $"{Filled(problem)} (--help shows what there is.)"), (run.Code, run.Errors.Trim()));
        Assert.IsFalse(Directory.Exists(data.File("out")));
    }

    [TestMethod]
    public void HelpIsShown()
    {
        CommandRun run = CommandRun.InProcess("train", "--help");
        Assert.AreEqual(0, run.Code);
        StringAssert.Contains(run.Output, "--checkpoint-every");
        Assert.DoesNotContain("--hidden-size", run.Output);
    }

    [TestMethod]
    public void ARowThatCannotBeUsedIsOneLine()
    {
        using var data = new TinyData();
        string rows = data.Write("wrong.jsonl", [TinyData.Row("<image>Which?", "none")]);
        CommandRun run = CommandRun.InProcess("train", "--data", rows, "--images", data.Images, "--out", data.File("out"), "--steps", "1");
        Assert.AreEqual((1, $"{rows}, line 1: the texts hold 1 <image> marks, but the row has 0 pictures. Give every mark one picture and every picture one mark. ('validate' lists all such rows.)"), (run.Code, run.Errors.Trim()));
    }
}
