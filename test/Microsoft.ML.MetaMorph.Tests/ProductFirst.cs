using System.Runtime.CompilerServices;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Runs the product's module initializer (native loading) before a test touches TorchSharp by itself.</summary>
internal static class ProductFirst
{
    [ModuleInitializer]
    internal static void Load() => RuntimeHelpers.RunModuleConstructor(typeof(TorchBackend).Module.ModuleHandle);
}
