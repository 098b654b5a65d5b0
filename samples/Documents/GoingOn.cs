using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Training that starts from an earlier result.</summary>
public static class GoingOn
{
    public static MetaMorphTransformer Run(MLContext ml, IDataView moreRows, MetaMorphTransformer model)
    {
        // <going-on>
        var trainer = ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
        {
            Training = new VisualPredictiveTrainingOptions { BatchSize = 16, LearningRate = 2e-4, Epochs = 2 },
        });
        MetaMorphTransformer better = trainer.Fit(moreRows, model);     // 'model' itself is not changed
        // </going-on>
        return better;
    }
}
