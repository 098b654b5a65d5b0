// Sorts pictures three ways with the vectors of one encoder: by words alone, by a classifier of ML.NET on a few of them, and by clusters.
using System.CommandLine;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;
using ZeroShot;

var encoderFolder = new Option<string?>("--encoder") { Description = "A folder with both towers of a SigLIP or SigLIP 2, or the name (org/name) of one in the local Hugging Face cache. Without it one is trained now, on the pictures' own captions" };
var pictureFolder = new Option<string?>("--pictures") { Description = "A folder that holds a folder of pictures for each label, named after it; needs --encoder. Without it: painted scenes" };
var fashionFolder = new Option<string?>("--fashion") { Description = "The folder of Debian's package dataset-fashion-mnist (/usr/share/datasets/fashion-mnist): photographs of clothes instead of painted scenes" };
var steps = new Option<int>("--steps") { Description = "How long an encoder is trained without --encoder", DefaultValueFactory = _ => 1000 };
var seed = new Option<int>("--seed") { Description = "Seed of the pictures and the training", DefaultValueFactory = _ => 1 };

steps.Validators.Add(result =>
{
    if (result.GetValueOrDefault<int>() < 1) result.AddError($"--steps is {result.GetValueOrDefault<int>()}; it must be at least 1.");
});

var command = new RootCommand("Zero-shot classification, a linear probe and clusters on the vectors of an encoder of pictures and texts") { encoderFolder, pictureFolder, fashionFolder, steps, seed };
command.Validators.Add(result =>
{
    if (result.GetValue(pictureFolder) is not null && result.GetValue(fashionFolder) is not null) result.AddError("--pictures and --fashion exclude each other.");
    if (result.GetValue(pictureFolder) is { } own && !Directory.Exists(own)) result.AddError($"--pictures: there is no folder '{own}'.");
    if (result.GetValue(fashionFolder) is { } fashion && !FashionPictures.AreIn(fashion)) result.AddError($"--fashion: '{fashion}' lacks files of Fashion-MNIST (train-images-idx3-ubyte.gz …); Debian's package dataset-fashion-mnist has them in /usr/share/datasets/fashion-mnist.");
    if (result.GetValue(pictureFolder) is not null && result.GetValue(encoderFolder) is null) result.AddError("--pictures needs --encoder: an encoder that is trained now learns from captions, which a folder of labels has not.");
});
command.SetAction((parse, cancellation) => Task.FromResult(Run(parse, cancellation)));
return await command.Parse(args).InvokeAsync();

int Run(ParseResult options, CancellationToken cancellation)
{
    var ml = new MLContext(options.GetValue(seed));
    LabelledPictures pictures = options.GetValue(pictureFolder) is { } own ? FolderPictures.Read(ml, own, options.GetValue(seed))
        : options.GetValue(fashionFolder) is { } fashion ? FashionPictures.Read(ml, fashion)
        : ScenePictures.Create(ml, options.GetValue(seed));
    using LanguageImageEncoder encoder = options.GetValue(encoderFolder) is { } folder ? LanguageImageEncoder.Load(folder)
        : options.GetValue(fashionFolder) is { } clothes ? FashionPictures.TrainEncoder(ml, clothes, options.GetValue(steps), cancellation)
        : ScenePictures.TrainEncoder(ml, options.GetValue(seed), options.GetValue(steps), cancellation);
    new Exam(ml, encoder, pictures).Print();
    return 0;
}
