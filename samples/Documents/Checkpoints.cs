using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>A training that may be killed.</summary>
public static class Checkpoints
{
    public static GenerateImagesTransformer Run(MLContext ml, IDataView rows, int steps, string folder)
    {
        // <checkpoints>
        var trainer = ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
        {
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = steps },
            CheckpointFolder = folder,          // the same program, run again, goes on from here
            CheckpointInterval = 500,           // steps; and at the end, and after a cancellation
        });
        GenerateImagesTransformer painter = trainer.Fit(rows);
        // </checkpoints>
        return painter;
    }
}
