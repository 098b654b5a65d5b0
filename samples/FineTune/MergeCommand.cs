using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary><c>merge</c>: adds the change of a low-rank adapter to the weights of its base, which then need nothing beside them.</summary>
internal static class MergeCommand
{
    public static Command Create()
    {
        Option<string> run = CommonOptions.Run();
        Option<string?> model = CommonOptions.Pretrained("--model", "The base, a MetaMorph; without it that of the run");
        Option<string?> adapter = CommonOptions.Pretrained("--adapter", "The adapter in PEFT's files; without it that of the run");
        Option<string?> to = CommonOptions.Pretrained("--to", "The folder for the whole model; without it 'merged' of the run");
        Option<bool> half = new("--bfloat16") { Description = "Writes weights in bfloat16, half the size" };
        var command = new Command("merge", "Adds an adapter (LoRA) to its base, as a folder of its own") { run, model, adapter, to, half };
        command.SetAction(parse =>
        {
            var output = new OutputFolder(parse.GetValue(run)!);
            RunSettings settings = RunFile.Read(output).Settings;
            string start = parse.GetValue(model) ?? settings.Model ?? throw new InvalidDataException($"The run in '{output.Path}' has no base: all of its weights were trained, and '{output.Model}' holds them. Give --model to merge an adapter into another one.");
            return Run(settings, start, parse.GetValue(adapter) ?? output.Adapter, Path.GetFullPath(parse.GetValue(to) ?? output.Merged), parse.GetValue(half));
        });
        return command;
    }

    private static int Run(RunSettings settings, string start, string adapter, string to, bool half)
    {
        if (Directory.Exists(to)) throw new InvalidDataException($"'{to}' is there already. Remove it, or give another folder by --to.");
        MLContext ml = settings.CreateContext();
        IDataView none = ml.Data.LoadFromEnumerable(new List<Asked>());
        using MetaMorphTransformer plain = ml.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options { PretrainedFolder = start, VisualTokensColumnName = null, Precision = settings.Precision }).Fit(none);
        using MetaMorphTransformer adapted = plain.LoadAdapter(adapter);
        using MetaMorphTransformer merged = adapted.MergeAdapter();
        WholeFolder.Make(to, folder => merged.SaveAsPretrained(folder, half));
        Console.WriteLine($"'{adapter}' was added to '{start}': {to}");
        return 0;
    }
}
