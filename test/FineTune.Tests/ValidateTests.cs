using System.Text.Json;

namespace FineTune.Tests;

[TestClass]
public sealed class ValidateTests
{
    [TestMethod]
    public void RowsThatCanAllBeUsedEndWithZero()
    {
        using var data = new TinyData();
        string rows = data.Write("twice.jsonl", TinyData.AllRows().Append(TinyData.AllRows().First())), json = data.File("reports/report.json");
        CommandRun run = CommandRun.InProcess("validate", "--data", rows, "--images", data.Images, "--json", json, "--maximum-length", "40");
        Assert.AreEqual(0, run.Code, run.Output + run.Errors);
        using var report = JsonDocument.Parse(File.ReadAllText(json));
        Assert.AreEqual((25, 0, 13, 12), (Number(report, "rows"), Number(report, "errors"), Number(report, "promptImages"), Number(report, "responseImages")), "seven questions, six descriptions, six edits with two pictures each");
        JsonElement kinds = report.RootElement.GetProperty("findingsByKind");
        Assert.AreEqual(1, kinds.GetProperty("duplicate").GetInt32());
        Assert.IsGreaterThanOrEqualTo(6, kinds.GetProperty("length").GetInt32(), "rows of two pictures have more than 40 positions");
    }

    [TestMethod]
    public void ARowThatCannotBeUsedEndsWithOne()
    {
        using var data = new TinyData();
        string rows = data.Write("wrong.jsonl", TinyData.AllRows().Append(TinyData.Row("<image>Which?", "none", "absent")));
        CommandRun run = CommandRun.InProcess("validate", "--data", rows, "--images", data.Images);
        Assert.AreEqual(1, run.Code);
        StringAssert.Contains(run.Output, $"error: {rows}, line 25: ");
        StringAssert.Contains(run.Output, "absent.png");
    }

    private static int Number(JsonDocument report, string name) => report.RootElement.GetProperty(name).GetInt32();
}
