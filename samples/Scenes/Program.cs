using System.CommandLine;
using Scenes;
using SkiaSharp;
using Spectre.Console;

var world = new Option<string>("--world") { Description = "full (12 shapes, 8 colours, up to 3 objects) or small (6 shapes, 6 colours, up to 2)", DefaultValueFactory = _ => "full" };
var seed = new Option<int>("--seed") { Description = "Seed: the same seed gives the same rows", DefaultValueFactory = _ => 1 };
var count = new Option<int>("--rows") { Description = "How many rows", DefaultValueFactory = _ => 1000 };
var heldOut = new Option<bool>("--held-out") { Description = "Only scenes that training never shows" };
var output = new Option<DirectoryInfo>("--out") { Description = "Folder to write to", DefaultValueFactory = _ => new DirectoryInfo("artifacts/scenes") };
var file = new Argument<FileInfo>("picture") { Description = "A picture to read" };

var generate = new Command("generate", "Writes rows of all six kinds as rows.jsonl and PNG files") { world, seed, count, heldOut, output };
generate.SetAction(parse =>
{
    SceneWorld chosen = WorldNamed(parse.GetValue(world)!);
    SceneRows rows = parse.GetValue(heldOut) ? SceneRows.HeldOut(chosen) : SceneRows.ForTraining(chosen);
    string folder = parse.GetValue(output)!.FullName;
    (int written, int pictures) = LlavaFolder.Write(folder, rows.Generate(parse.GetValue(seed), parse.GetValue(count)));
    AnsiConsole.MarkupLineInterpolated($"{written} rows with {pictures} pictures in {folder}");
});

var read = new Command("read", "Says what a picture of this world shows") { file, world };
read.SetAction(parse =>
{
    using SKBitmap? picture = SKBitmap.Decode(parse.GetValue(file)!.FullName);
    if (picture is null)
    {
        AnsiConsole.MarkupLineInterpolated($"[red]{parse.GetValue(file)!.FullName} is not a picture that can be decoded.[/]");
        return 1;
    }
    AnsiConsole.MarkupLineInterpolated($"{new SceneReader(WorldNamed(parse.GetValue(world)!)).Read(picture).Describe()}");
    return 0;
});

return new RootCommand("A procedural world of pictures for training and measuring models that read and draw") { generate, read }.Parse(args).Invoke();

static SceneWorld WorldNamed(string name) => name switch
{
    "full" => SceneWorld.Full,
    "small" => SceneWorld.Small,
    _ => throw new ArgumentException($"--world is '{name}'; it must be full or small."),
};
