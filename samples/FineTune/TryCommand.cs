using System.CommandLine;
using Microsoft.ML;

namespace FineTune;

/// <summary><c>try</c>: one prompt, one answer.</summary>
internal static class TryCommand
{
    public static Command Create()
    {
        Option<string> run = CommonOptions.Run();
        Option<string> prompt = new("--prompt") { Description = "What is asked. <image> marks where a picture stands; without marks pictures stand in front", Required = true };
        Option<string[]> images = new("--image") { Description = "A picture of the prompt; several in the order of their marks" };
        Option<int> maximumTokens = CommonOptions.MaximumTokens();
        images.Validators.Add(result =>
        {
            foreach (string missing in result.Tokens.Select(token => token.Value).Where(file => !File.Exists(file))) result.AddError($"--image is '{missing}'; there is no such file.");
        });
        var command = new Command("try", "Asks the trained model") { run, prompt, images, maximumTokens };
        command.SetAction(parse => Run(new OutputFolder(parse.GetValue(run)!), parse.GetValue(prompt)!, parse.GetValue(images) ?? [], parse.GetValue(maximumTokens)));
        return command;
    }

    private static int Run(OutputFolder output, string prompt, string[] images, int maximumTokens)
    {
        int marks = RowKinds.Marks(prompt);
        if (marks == 0) prompt = string.Concat(Enumerable.Repeat(RowKinds.Mark, images.Length)) + prompt;
        else if (marks != images.Length) throw new InvalidDataException($"The prompt has {marks} {RowKinds.Mark} marks, and {images.Length} pictures are given by --image. Give each mark one.");
        using var model = new TrainedModel(output);
        IDataView asked = model.Context.Data.LoadFromEnumerable(new List<Asked> { new() { Prompt = prompt, Image = [.. images.Select(Path.GetFullPath)] } });
        Reply reply = model.Context.Data.CreateEnumerable<Reply>(model.Answer(asked, maximumTokens), reuseRowObject: false, ignoreMissingColumns: true).Single();
        if (reply.Error.Length > 0) throw new InvalidDataException(reply.Error);
        Console.WriteLine(reply.PredictedResponse);
        int pictures = model.PictureLength == 0 ? 0 : reply.ResponseVisualTokens.Length / model.PictureLength;
        if (pictures > 0) Console.WriteLine($"({pictures} picture{(pictures == 1 ? "" : "s")} of {model.VisualTokenCount} visual tokens each; a visualizer draws them)");
        return 0;
    }

    private sealed class Reply
    {
        public string PredictedResponse { get; set; } = "";

        public float[] ResponseVisualTokens { get; set; } = [];

        public string Error { get; set; } = "";
    }
}
