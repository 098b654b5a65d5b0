using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>From a folder to a model that can compute. The first opening of a process, with what it compiles, counts; libtorch is loaded before.</summary>
internal static class OpenTask
{
    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        zeros(1).Dispose();                              // loads libtorch
        long bytes = Directory.EnumerateFiles(options.Folder, "model*.safetensors").Sum(file => new FileInfo(file).Length);
        SideReport.Event(SideReport.Ready);
        double grown = 0;
        var seconds = new double[1 + options.Repeats];
        for (int i = 0; i < seconds.Length; i++)
        {
            long before = Resident();
            CausalLanguageModel? model = null;
            seconds[i] = SideReport.Time(() => model = Open(options.Folder));
            if (i > 0) grown = Math.Max(grown, (Resident() - before) / 1048576.0);
            model!.Dispose();
        }
        return new SideResult
        {
            Seconds = [seconds[0]],
            Units = 1,
            Figures = new() { ["sizeMiB"] = bytes / 1048576.0, ["againSeconds"] = seconds.Skip(1).Order().ElementAt((seconds.Length - 1) / 2), ["residentMiB"] = grown },
        };
    }

    private static CausalLanguageModel Open(string folder)
    {
        using TensorArchive archive = TensorArchive.Open(folder);
        return new CausalLanguageModel(ResponseModelFolder.ReadConfig(folder, LanguageModelConfig.FromJson), new StoredParameters(archive, CPU));
    }

    private static long Resident()
    {
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }
}
