using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Time, progress and the end before the end.</summary>
public static class Budget
{
    public static MetaMorphTransformer Run(MLContext ml, IDataView encodedRows, VisualPredictiveInstructionTuningTrainer.Options options, TimeSpan budget, CancellationToken stop)
    {
        // <budget>
        ml.Log += (_, entry) => Console.WriteLine(entry.Message);

        options.Training = options.Training with { MaximumSeconds = budget.TotalSeconds };
        options.Progress = new Progress<TrainingStatus>(status => Console.Write($"\r{status.Share:P0}  loss {status.Loss:F3}"));
        options.CancellationToken = stop;       // a token of yours: Ctrl+C, a service that shuts down
        options.KeepCancelled = true;           // a cancelled training gives the model as it stands
        MetaMorphTransformer model = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(encodedRows);
        // </budget>
        return model;
    }
}
