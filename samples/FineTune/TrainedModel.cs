using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>The model of a finished run, opened from its files alone, with its encoder.</summary>
internal sealed class TrainedModel : IDisposable
{
    private readonly OutputFolder _output;
    private readonly RunSettings _settings;
    private readonly ImageEncoder? _encoder;

    /// <exception cref="InvalidDataException">The run is not finished.</exception>
    public TrainedModel(OutputFolder output)
    {
        RunFile run = RunFile.Read(output);
        if (!run.Finished) throw new InvalidDataException($"The run in '{output.Path}' is not finished; 'resume' goes on with it.");
        (_output, _settings) = (output, run.Settings);
        Context = _settings.CreateContext();
        if (_settings.HasPictures) _encoder = EncoderPhase.Open(_settings.Encoder ?? output.Encoder, _settings);
    }

    public MLContext Context { get; }

    /// <summary>Values of a picture: its visual tokens times their width.</summary>
    public int PictureLength => _encoder is null ? 0 : _encoder.VisualTokenCount * _encoder.VisualTokenWidth;

    /// <summary>N: visual tokens of a picture.</summary>
    public int VisualTokenCount => _encoder?.VisualTokenCount ?? 0;

    /// <summary>Rows with answers, which are made while they are read.</summary>
    /// <param name="rows">With prompts and paths of pictures.</param>
    /// <param name="maximumTokens">Positions of an answer.</param>
    public IDataView Answer(IDataView rows, int maximumTokens)
    {
        IDataView encoded = new LanguageModelPhase(Context, _output, _settings).Encoded(rows, _encoder);
        return Context.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options
        {
            PretrainedFolder = _output.Model,
            VisualTokensColumnName = _encoder is null ? null : "VisualTokens",
            ErrorColumnName = nameof(Answered.Error),
            Generation = new GenerationOptions { MaxNewTokens = maximumTokens },
            GenerationBatchSize = 16,
            Precision = _settings.Precision,
        }).Fit(encoded).Transform(encoded);
    }

    public void Dispose() => _encoder?.Dispose();
}
