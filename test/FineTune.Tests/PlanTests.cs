namespace FineTune.Tests;

[TestClass]
public sealed class PlanTests
{
    [TestMethod]
    public void APlanThatFitsEndsWithZero()
    {
        using var data = new TinyData();
        CommandRun run = CommandRun.InProcess(["plan", "--data", data.Rows, "--images", data.Images, "--out", data.File("planned"), "--steps", "30", .. TinySizes.Arguments]);
        Assert.AreEqual(0, run.Code, run.Errors);
        StringAssert.Contains(run.Output, "24 rows of ");
        StringAssert.Contains(run.Output, "; 30 steps, ");
        Assert.IsFalse(Directory.Exists(data.File("planned")), "a plan makes nothing");
    }

    [TestMethod]
    public void APlanThatCannotFitEndsWithTwo()
    {
        using var data = new TinyData();
        CommandRun run = CommandRun.InProcess("plan", "--data", data.Rows, "--images", data.Images, "--out", data.File("planned"), "--steps", "30", "--hidden-size", "16384", "--layers", "1000");
        Assert.AreEqual(2, run.Code, run.Errors);
        StringAssert.StartsWith(run.Errors, "The training cannot fit: it takes some ");
        Assert.HasCount(1, run.Errors.Trim().Split('\n'));
    }

    [TestMethod]
    public void ATrainingThatCannotFitIsNotBegun()
    {
        using var data = new TinyData();
        CommandRun run = CommandRun.InProcess("train", "--data", data.Rows, "--images", data.Images, "--out", data.File("run"), "--steps", "30", "--hidden-size", "16384", "--layers", "1000");
        Assert.AreEqual(1, run.Code, run.Errors);
        StringAssert.StartsWith(run.Errors, "The training cannot fit: it takes some ");
        Assert.IsFalse(Directory.Exists(data.File("run/checkpoints")));
    }
}
