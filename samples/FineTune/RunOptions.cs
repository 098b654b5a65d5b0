using System.CommandLine;
using System.CommandLine.Parsing;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>What a training can be told: the options of <c>plan</c> and <c>train</c>.</summary>
internal sealed class RunOptions
{
    private readonly Option<string> _data = CommonOptions.Data(), _out = CommonOptions.Out();
    private readonly Option<string?> _images = CommonOptions.Images();
    private readonly Option<string?> _model = CommonOptions.Pretrained("--model", "The model to start from: a language model or a MetaMorph. Without it one is trained from nothing, sized to the data");
    private readonly Option<string?> _encoder = CommonOptions.Pretrained("--encoder", "The image encoder (SigLIP). Without it one is trained from nothing on the pictures and what is said of them");
    private readonly Option<int?> _steps = CommonOptions.Count("--steps", "Optimizer steps of each training");
    private readonly Option<double?> _hours = CommonOptions.Amount("--hours", "Instead of --steps: time for everything; the weights then depend on the machine");
    private readonly Option<int?> _checkpointEvery = CommonOptions.Count("--checkpoint-every", "Steps between two checkpoints (20)");
    private readonly Option<int?> _seed = CommonOptions.Count("--seed", "Seed of weights and order of rows (1)", least: int.MinValue);
    private readonly Option<int?> _lora = CommonOptions.Count("--lora", "Trains a low-rank adapter of this rank instead of all weights; needs --model");
    private readonly Option<bool> _int8 = new("--int8") { Description = "Holds the frozen weights beside an adapter in eight bits; needs --lora" };
    private readonly Option<int?> _batchSize = CommonOptions.Count("--batch-size", "Rows of a step (16)");
    private readonly Option<double?> _learningRate = CommonOptions.Amount("--learning-rate", "Peak learning rate; without it one that suits the start");
    private readonly Option<int?> _maximumLength = CommonOptions.Count("--maximum-length", "Positions behind which rows are cut (4096)");
    private readonly Option<string> _precision = new("--precision") { Description = "What layers are computed in: float32 or bfloat16", DefaultValueFactory = _ => "float32" };
    private readonly Option<int?> _threads = CommonOptions.Count("--threads", "Threads that compute; without it as many as there are cores");
    private readonly Option<int?> _gpu = CommonOptions.Count("--gpu", "The number of a GPU; without it the processor computes", least: 0);

    // For models of one's own; the data decide where they are not given.
    private readonly Option<int?> _vocabulary = CommonOptions.Count("--vocabulary", "Tokens of a tokenizer of its own", least: 263, hidden: true);
    private readonly Option<int?> _imageSize = CommonOptions.Count("--image-size", "Pixels a side for an encoder of its own; a multiple of 8", ModelSizes.PatchesASide, ModelSizes.PatchesASide, hidden: true);
    private readonly Option<int?> _encoderWidth = CommonOptions.Count("--encoder-width", "Width of an encoder of its own; a multiple of 4", ModelSizes.EncoderHeads, ModelSizes.EncoderHeads, hidden: true);
    private readonly Option<int?> _encoderLayers = CommonOptions.Count("--encoder-layers", "Layers of an encoder of its own", hidden: true);
    private readonly Option<int?> _hiddenSize = CommonOptions.Count("--hidden-size", "Width of a language model of its own; a multiple of 32", ModelSizes.HeadWidth, ModelSizes.HeadWidth, hidden: true);
    private readonly Option<int?> _layers = CommonOptions.Count("--layers", "Layers of a language model of its own", hidden: true);

    /// <param name="command">Gets the options.</param>
    /// <param name="needsEnd">Whether the command line has to say when the training ends.</param>
    public RunOptions(Command command, bool needsEnd)
    {
        foreach (Option option in (Option[])[_data, _images, _out, _model, _encoder, _steps, _hours, _checkpointEvery, _seed, _lora, _int8, _batchSize, _learningRate, _maximumLength, _precision, _threads, _gpu, _vocabulary, _imageSize, _encoderWidth, _encoderLayers, _hiddenSize, _layers])
            command.Options.Add(option);
        _precision.AcceptOnlyFromAmong("float32", "bfloat16");
        command.Validators.Add(result => Check(result, needsEnd));
    }

    /// <summary>The folder of the run.</summary>
    public OutputFolder Output(ParseResult parse) => new(parse.GetValue(_out)!);

    /// <summary>What is asked for.</summary>
    public RunSettings Read(ParseResult parse)
    {
        string data = Path.GetFullPath(parse.GetValue(_data)!);
        return new RunSettings
        {
            Data = data,
            Images = parse.GetValue(_images) is { } folder ? Path.GetFullPath(folder) : Path.GetDirectoryName(data)!,
            Model = CommonOptions.FolderOrName(parse.GetValue(_model)),
            Encoder = CommonOptions.FolderOrName(parse.GetValue(_encoder)),
            Steps = parse.GetValue(_steps),
            Hours = parse.GetValue(_hours),
            CheckpointEvery = parse.GetValue(_checkpointEvery) ?? 20,
            Seed = parse.GetValue(_seed) ?? 1,
            LowRank = parse.GetValue(_lora),
            Int8 = parse.GetValue(_int8),
            BatchSize = parse.GetValue(_batchSize) ?? 16,
            LearningRate = parse.GetValue(_learningRate),
            MaximumLength = parse.GetValue(_maximumLength) ?? 4096,
            Precision = parse.GetValue(_precision) == "bfloat16" ? Precision.BFloat16 : Precision.Float32,
            Threads = parse.GetValue(_threads),
            Gpu = parse.GetValue(_gpu),
            Wishes = new SizeWishes(parse.GetValue(_vocabulary), parse.GetValue(_imageSize), parse.GetValue(_encoderWidth), parse.GetValue(_encoderLayers), parse.GetValue(_hiddenSize), parse.GetValue(_layers)),
        };
    }

    private void Check(CommandResult result, bool needsEnd)
    {
        bool steps = Given(result, _steps), hours = Given(result, _hours);
        if (steps && hours) result.AddError("--steps and --hours are both given; one of them ends the training.");
        if (needsEnd && !steps && !hours) result.AddError("Neither --steps nor --hours is given; one of them ends the training.");
        if (Given(result, _lora) && !Given(result, _model)) result.AddError("--lora needs --model: an adapter changes a model that has learned already.");
        if (Given(result, _int8) && !Given(result, _lora)) result.AddError("--int8 needs --lora: weights that learn cannot be held in eight bits.");
    }

    private static bool Given(CommandResult result, Option option) => result.GetResult(option) is { Implicit: false };
}
