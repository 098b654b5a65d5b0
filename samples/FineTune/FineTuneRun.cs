using Microsoft.ML;
using Microsoft.ML.MetaMorph;
using TorchSharp;

namespace FineTune;

/// <summary>A run from its beginning, or from where it was killed: each phase leaves something whole, and is passed over where that is there.</summary>
internal sealed class FineTuneRun(OutputFolder output, RunFile run)
{
    /// <summary>Trains to the end, or until somebody stops it.</summary>
    /// <returns>The exit code.</returns>
    public int Execute()
    {
        using var stop = new StopSignal();
        try
        {
            Finish(Train(Prepare(), stop.Token));
            return 0;
        }
        catch (OperationCanceledException) when (stop.Token.IsCancellationRequested)
        {
            Console.Error.WriteLine($"Stopped; what was learned is saved. Go on with: dotnet run -c Release --project samples/FineTune -- resume --out {output.Path}");
            return FineTuneCommands.Interrupted;
        }
    }

    /// <summary>What data and machine decide is decided once, and written down before anything is trained.</summary>
    private RunSettings Prepare()
    {
        RunSettings settings = run.Settings;
        if (settings.Sizes is null)
        {
            settings = settings.Decide();
            // A model that is given is measured by the trainer, at once; one of its own would be after an encoder was trained.
            if (settings.Model is null) FitCheck.Of(new LanguageModelPhase(settings.CreateContext(), output, settings).Plan(new TrainingRows(settings)), output).Require();
            (run with { Settings = settings }).Write(output);
        }
        else if (RunSettings.HashOf(settings.Data) != settings.DataHash)
        {
            throw new InvalidDataException($"'{settings.Data}' is not what it was when the run in '{output.Path}' began. Put the old rows back, or train anew into another --out.");
        }

        return settings;
    }

    private RunSettings Train(RunSettings settings, CancellationToken cancellation)
    {
        MLContext ml = settings.CreateContext();
        var rows = new TrainingRows(ml, settings.Data, settings.Images);
        if (settings.Threads is { } threads) torch.set_num_threads(threads);
        LanguageTokenizer? tokenizer = settings.TrainsTokenizer ? TokenizerPhase.Run(output, settings, rows) : null;
        using ImageEncoder? encoder = new EncoderPhase(ml, output, settings).Run(rows, tokenizer, cancellation);
        new LanguageModelPhase(ml, output, settings).Run(rows, tokenizer, encoder, cancellation);
        return settings;
    }

    private void Finish(RunSettings settings)
    {
        if (settings.TrainsEncoder) LossCurves.Write(output.Logs(EncoderPhase.Name), output.LossCurves(EncoderPhase.Name), "Encoder: captions");
        LossCurves.Write(output.Logs(LanguageModelPhase.Name), output.LossCurves(LanguageModelPhase.Name), "Language model");
        string[] weights = [.. Directory.GetFiles(output.Model, "model*.safetensors").Order(StringComparer.Ordinal)];
        (run with { Settings = settings, Finished = true, Ended = DateTimeOffset.UtcNow, Weights = weights.ToDictionary(file => Path.GetFileName(file), RunSettings.HashOf) }).Write(output);
        Console.WriteLine($"The model is in {output.Model}{(settings.LowRank is null ? "" : $", its adapter in {output.Adapter}")}.");
        Console.WriteLine($"Loss curves: {output.LossCurves(LanguageModelPhase.Name)}; every step: {output.Logs(LanguageModelPhase.Name)} (CSV, TensorBoard).");
    }
}
