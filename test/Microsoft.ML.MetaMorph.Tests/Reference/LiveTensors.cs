using TorchSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Tensors made on this thread and not yet disposed; what the garbage collector clears elsewhere does not blur it.</summary>
internal static class LiveTensors
{
    public static long OfThisThread => DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
}
