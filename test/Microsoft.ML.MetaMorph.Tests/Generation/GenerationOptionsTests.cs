namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class GenerationOptionsTests
{
    [TestMethod]
    public void OutOfRangeNamesTheValueAndTheBounds()
    {
        Refuses(o => o.MaxNewTokens = 0, "MaxNewTokens is 0; it must be at least 1.");
        Refuses(o => o.Temperature = -0.5f, "Temperature is -0.5; it must be between 0 and 100.");
        Refuses(o => o.Temperature = float.NaN, "Temperature is NaN; it must be between 0 and 100.");
        Refuses(o => o.TopK = -1, "TopK is -1; it must be at least 0.");
        Refuses(o => o.TopP = 1.5f, "TopP is 1.5; it must be between 0 and 1.");
        Refuses(o => o.MinP = -0.1f, "MinP is -0.1; it must be between 0 and 1.");
        Refuses(o => o.RepetitionPenalty = 0, "RepetitionPenalty is 0; it must be between 0.01 and 100.");
        Refuses(o => o.NoRepeatNGramSize = -2, "NoRepeatNGramSize is -2; it must be at least 0.");
        Refuses(o => o.PrefillChunk = 0, "PrefillChunk is 0; it must be at least 1.");
        Refuses(o => o.Threads = 128, "Threads is 128; it must be between 0 and 127.");
        Refuses(o => o.Engine = (DecodingEngine)9, "Engine is 9;");
    }

    [TestMethod]
    public void AnEmptyStopStringIsRefused()
        => Assert.AreEqual("StopStrings[1] is empty; an empty text would end every response at once. (Parameter 'StopStrings')", Assert.ThrowsExactly<ArgumentException>(() => new GenerationOptions().StopStrings = ["x", ""]).Message);

    private static void Refuses(Action<GenerationOptions> set, string message)
        => StringAssert.Contains(Assert.ThrowsExactly<ArgumentOutOfRangeException>(() => set(new GenerationOptions())).Message, message);
}
