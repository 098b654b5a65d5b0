using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Tells the log of a context in which element type a model computes, where one is opened: <see cref="Precision.Auto"/> decides anew on every machine.</summary>
internal static class PrecisionLog
{
    /// <param name="environment">The context.</param>
    /// <param name="model">The model in words; the start of a sentence.</param>
    /// <param name="choice">What was decided, and why.</param>
    public static void Tell(IHostEnvironment environment, string model, PrecisionChoice choice)
    {
        using IChannel channel = environment.Start("Open");
        channel.Info(MessageSensitivity.None, $"{model}: linear layers are computed in {choice}.");
    }
}
