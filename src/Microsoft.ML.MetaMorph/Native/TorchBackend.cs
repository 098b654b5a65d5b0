using TorchSharp;

namespace Microsoft.ML.MetaMorph;

/// <summary>Tells whether a native back end of TorchSharp can be used, and says what to add where none is.</summary>
internal static class TorchBackend
{
    private static readonly Lazy<Exception?> Failure = new(Probe);

    /// <summary>Throws with the names of the packages to add where no native back end loads.</summary>
    /// <exception cref="DllNotFoundException">No native back end is present, or it does not load on this system.</exception>
    public static void Require()
    {
        if (Failure.Value is { } failure)
            throw new DllNotFoundException(
                "The native library of TorchSharp could not be loaded. Add one of the packages TorchSharp-cpu, TorchSharp-cuda-linux "
                + "or TorchSharp-cuda-windows (version 0.107.0) to the application; Microsoft.ML.MetaMorph itself references the managed "
                + $"library alone. Reason: {failure.Message}", failure);
    }

    private static Exception? Probe()
    {
        try
        {
            torch.InitializeDeviceType(DeviceType.CPU);
            return null;
        }
        catch (Exception failure)
        {
            return failure;
        }
    }
}
