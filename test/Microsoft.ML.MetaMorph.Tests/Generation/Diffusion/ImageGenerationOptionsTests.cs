namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ImageGenerationOptionsTests
{
    [TestMethod]
    public void OutOfRangeNamesTheValueAndTheBounds()
    {
        Refuses(o => o.Steps = 0, "Steps is 0; it must be at least 1.");
        Refuses(o => o.GuidanceScale = double.NaN, "GuidanceScale is NaN; it must be between 0 and 1000.");
        Refuses(o => o.GuidanceScale = double.PositiveInfinity, "GuidanceScale is Infinity; it must be between 0 and 1000.");
        Refuses(o => o.GuidanceScale = double.NegativeInfinity, "GuidanceScale is -Infinity; it must be between 0 and 1000.");
        Refuses(o => o.GuidanceRescale = double.NaN, "GuidanceRescale is NaN; it must be between 0 and 1.");
        Refuses(o => o.GuidanceScale = -1, "GuidanceScale is -1;");
        Refuses(o => o.GuidanceRescale = 1.5, "GuidanceRescale is 1.5; it must be between 0 and 1.");
        Refuses(o => o.Scheduler = (DiffusionSchedulerKind)17, "Scheduler is 17; it must be 0 (Pndm), 1 (Ddim)");
        Refuses(o => o.Width = 0, "Width is 0; it must be between 1 and 65536.");
        Refuses(o => o.Height = 70_000, "Height is 70000;");
        Refuses(o => o.Strength = 0, "Strength is 0; it must be above 0 and at most 1.");
        Refuses(o => o.Strength = 1.1, "Strength is 1.1;");
        Refuses(o => o.Strength = double.NaN, "Strength is NaN;");
        Refuses(o => o.MaximumBatchSize = 0, "MaximumBatchSize is 0; it must be at least 1.");
        Refuses(o => o.MemoryBudget = 0, "MemoryBudget is 0; it must be at least 1.");
    }

    [TestMethod]
    public void ACopyStandsAlone()
    {
        var options = new ImageGenerationOptions { Seed = 3, Steps = 20 };
        ImageGenerationOptions copy = options.Clone();
        copy.Steps = 5;
        Assert.AreEqual(20, options.Steps);
        Assert.AreEqual(3, copy.Seed);
    }

    private static void Refuses(Action<ImageGenerationOptions> set, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => set(new ImageGenerationOptions())).Message, message);
}
