using Microsoft.ML.Runtime;
using TorchSharp;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The device that an <see cref="MLContext"/> asks for.</summary>
internal static class ComputeDevice
{
    /// <summary>
    /// <see cref="MLContext.GpuDeviceId"/> where it is set and there; the CPU where it is not set, or not there and
    /// <see cref="MLContext.FallbackToCpu"/> allows it (with a warning in the log).
    /// </summary>
    /// <exception cref="InvalidOperationException">The GPU is not there and the CPU is not allowed instead.</exception>
    /// <exception cref="DllNotFoundException">No native library of TorchSharp is there.</exception>
    public static Device Choose(IHostEnvironment environment)
    {
        TorchBackend.Require();
        EnvironmentSettings settings = MLNetInternals.Settings(environment);
        if (settings.GpuDeviceId is not { } id) return CPU;
        int present = cuda.is_available() ? cuda.device_count() : 0;
        if (id >= 0 && id < present) return new Device(DeviceType.CUDA, id);
        string problem = $"MLContext.GpuDeviceId is {id}, but this process sees {present} CUDA devices.";
        if (!settings.FallbackToCpu)
            throw new InvalidOperationException($"{problem} Set FallbackToCpu to use the CPU instead, or add the package TorchSharp-cuda-linux or TorchSharp-cuda-windows.");
        using IChannel channel = environment.Start("Device");
        channel.Warning(MessageSensitivity.None, problem + " The CPU is used instead.");
        return CPU;
    }
}
