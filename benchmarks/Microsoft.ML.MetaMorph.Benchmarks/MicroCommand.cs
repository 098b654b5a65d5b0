using System.CommandLine;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary><c>micro</c>: BenchmarkDotNet over the small parts.</summary>
internal static class MicroCommand
{
    public static System.CommandLine.Command Create()
    {
        var filter = new Option<string>("--filter") { Description = "Which benchmarks, as BenchmarkDotNet's --filter", DefaultValueFactory = _ => "*" };
        var dry = new Option<bool>("--dry") { Description = "Runs each once, to see that it runs" };
        var command = new System.CommandLine.Command("micro", "BenchmarkDotNet over image preprocessing, tokenizer, template, packing, kernels, sampling and opening") { filter, dry };
        command.SetAction(parse =>
        {
            // In this process: the native back end is found where this program finds it.
            Job job = (parse.GetValue(dry) ? Job.Dry : Job.Default).WithToolchain(InProcessEmitToolchain.Instance);
            IConfig config = DefaultConfig.Instance.AddJob(job).WithArtifactsPath("artifacts/micro");
            BenchmarkSwitcher.FromAssembly(typeof(MicroCommand).Assembly).Run(["--filter", parse.GetValue(filter)!], config);
        });
        return command;
    }
}
