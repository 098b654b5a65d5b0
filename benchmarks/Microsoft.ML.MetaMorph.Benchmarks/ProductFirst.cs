using System.Runtime.CompilerServices;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Runs the product's module initializer (native loading) before a benchmark touches TorchSharp by itself.</summary>
internal static class ProductFirst
{
    [ModuleInitializer]
    internal static void Load() => RuntimeHelpers.RunModuleConstructor(typeof(TorchBackend).Module.ModuleHandle);
}
