using System.CommandLine;
using Microsoft.ML.MetaMorph.Benchmarks;

return new RootCommand("Speed of Microsoft.ML.MetaMorph: beside PyTorch, and of its small parts")
{
    CompareCommand.Create(),
    SideCommand.Create(),
    MicroCommand.Create(),
}.Parse(args).Invoke();
