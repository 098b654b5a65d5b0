using System.Runtime.InteropServices;
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
                + $"library alone. Reason: {Reason(failure)}", failure);
    }

    private static Exception? Probe()
    {
        // TorchSharp itself would look into the package cache, and copy half a gigabyte beside the application of a developer who has forgotten the package.
        if (NativeLibraryMend.Outcome == MendOutcome.NoBackend && !NativeLibrary.TryLoad(NativeFolders.TorchLibrary, out _))
            return new DllNotFoundException($"{NativeFolders.TorchLibrary} lies neither beside the application ({AppContext.BaseDirectory}) nor on the search path of its host. What the package cache of this machine holds is not used: it would be missing where the application is deployed.");
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

    /// <summary>The first line of what lies at the bottom: TorchSharp's own message is a page long, under a failed type initializer.</summary>
    private static string Reason(Exception failure) => failure.GetBaseException().Message.Split('\n')[0].TrimEnd();
}
