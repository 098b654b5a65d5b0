// Sorts pictures three ways with the vectors of one encoder: by words alone, by a classifier of ML.NET on a few of them, and by clusters.
using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;
using ZeroShot;

var encoderFolder = new Option<string?>("--encoder") { Description = "A folder with both towers of a SigLIP or SigLIP 2, or the name (org/name) of one in the local Hugging Face cache. Without it one is trained now, on painted scenes" };
var pictureFolder = new Option<string?>("--pictures") { Description = "A folder that holds a folder of pictures for each label, named after it; needs --encoder. Without it: painted scenes" };
var seconds = new Option<double>("--seconds") { Description = "How long an encoder is trained without --encoder", DefaultValueFactory = _ => 120 };
var seed = new Option<int>("--seed") { Description = "Seed of the pictures and the training", DefaultValueFactory = _ => 1 };

var command = new RootCommand("Zero-shot classification, a linear probe and clusters on the vectors of an encoder of pictures and texts") { encoderFolder, pictureFolder, seconds, seed };
command.Validators.Add(result =>
{
    if (result.GetValue(pictureFolder) is not null && result.GetValue(encoderFolder) is null) result.AddError("--pictures needs --encoder: an encoder that is trained now has seen painted scenes alone.");
    if (result.GetValue(seconds) is not > 0) result.AddError($"--seconds is {result.GetValue(seconds)}; it must be above 0.");
});
command.SetAction((parse, cancellation) => Task.FromResult(Run(parse.GetValue(encoderFolder), parse.GetValue(pictureFolder), parse.GetValue(seconds), parse.GetValue(seed), cancellation)));
return await command.Parse(args).InvokeAsync();

static int Run(string? encoderFolder, string? pictureFolder, double seconds, int seed, CancellationToken cancellation)
{
    var ml = new MLContext(seed);
    LabelledPictures pictures = pictureFolder is null ? ScenePictures.Create(ml, seed) : FolderPictures.Read(ml, pictureFolder, seed);
    using LanguageImageEncoder encoder = encoderFolder is null ? ScenePictures.TrainEncoder(ml, seed, seconds, cancellation) : LanguageImageEncoder.Load(encoderFolder);
    new Exam(ml, encoder, pictures).Print();
    return 0;
}
