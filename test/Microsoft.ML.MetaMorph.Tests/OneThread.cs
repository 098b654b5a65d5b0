namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Matrices and pictures of a few numbers are slower on two threads than on one, and on a busy machine the two wait for each other.</summary>
internal static class OneThread
{
    private static int s_threads;

    /// <summary>Before the tests of a class; tests do not run beside each other.</summary>
    public static void Begin()
    {
        s_threads = TorchSharp.torch.get_num_threads();
        TorchSharp.torch.set_num_threads(1);
    }

    /// <summary>Behind them.</summary>
    public static void End() => TorchSharp.torch.set_num_threads(s_threads);
}
