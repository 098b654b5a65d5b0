using System.CommandLine;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary><c>side</c>: our side of one task, in this process, as lines of JSON.</summary>
internal static class SideCommand
{
    public static System.CommandLine.Command Create()
    {
        var task = new Argument<string>("task") { Description = string.Join(", ", SideTasks.All.Keys) };
        var folder = new Argument<string>("folder") { Description = "Model and inputs, as compare writes them" };
        var precision = new Option<Precision>("--precision") { Description = "Auto: at its best for the CPU; Float32", DefaultValueFactory = _ => Precision.Auto };
        var repeats = new Option<int>("--repeats") { Description = "Timed repeats", DefaultValueFactory = _ => 3 };
        var threads = new Option<int>("--threads") { Description = "Threads", DefaultValueFactory = _ => 2 };
        var command = new System.CommandLine.Command("side", "Our side of one task; prints lines of JSON as benchmarks/pytorch/side.py does") { task, folder, precision, repeats, threads };
        command.SetAction(parse =>
        {
            string name = parse.GetValue(task)!;
            if (!SideTasks.All.TryGetValue(name, out Func<SideOptions, SideResult>? run))
                throw new ArgumentException($"There is no task '{name}'; there are {string.Join(", ", SideTasks.All.Keys)}.");
            TorchSharp.torch.set_num_threads(parse.GetValue(threads));
            SideReport.Print(run(new SideOptions(parse.GetValue(folder)!, parse.GetValue(precision), parse.GetValue(threads), parse.GetValue(repeats))));
        });
        return command;
    }
}
