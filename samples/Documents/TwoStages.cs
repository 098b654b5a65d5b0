using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Connector first, everything then.</summary>
public static class TwoStages
{
    public static MetaMorphTransformer Run(MLContext ml, IDataView captions, IDataView conversations, string llama, int batchSize)
    {
        // <two-stages>
        MetaMorphTrainers trainers = ml.MetaMorph().Trainers;
        using MetaMorphTransformer connected = trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
        {
            PretrainedFolder = llama,
            Training = new VisualPredictiveTrainingOptions { Stage = VisualPredictiveStage.ConnectorPretraining, BatchSize = batchSize },
        }).Fit(captions);

        MetaMorphTransformer tuned = trainers.VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
        {
            Training = new VisualPredictiveTrainingOptions { Stage = VisualPredictiveStage.InstructionTuning, BatchSize = batchSize },
        }).Fit(conversations, connected);
        // </two-stages>
        return tuned;
    }
}
