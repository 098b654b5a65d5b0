using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Steps of visual-predictive instruction tuning, through the trainer that the pipeline uses.</summary>
internal static class TrainTask
{
    public static SideResult Run(SideOptions options)
    {
        using var inputs = new SideInputs(options.Folder);
        MetaMorphConfig config = MetaMorphConfig.FromJson(inputs.Config);
        using var model = new MetaMorphModel(config, inputs.Weights(options.Precision));
        TrainingRow[] rows = [.. Rows(inputs, config)];
        using var trainer = new VisualPredictiveTrainer(model, new VisualPredictiveTrainingOptions
        {
            BatchSize = rows.Length,
            MaximumSteps = 1 + options.Repeats,
            LearningRate = SideOptions.Rate,
            Schedule = LearningRateScheduleKind.Constant,
            WarmupRatio = 0,
            MaximumGradientNorm = 1,
            Precision = options.Precision,
        });
        SideReport.Event(SideReport.Ready);
        var losses = new List<double>();
        var seconds = new List<double>();
        long last = Stopwatch.GetTimestamp(), positions = 0;
        trainer.Train(new InMemoryTrainingSource(rows), progress: step =>
        {
            long now = Stopwatch.GetTimestamp();
            seconds.Add(Stopwatch.GetElapsedTime(last, now).TotalSeconds);
            if (step.Step == 1)
            {
                SideReport.Event(SideReport.Warm, seconds[0]);
                positions = step.Positions;
            }
            losses.Add(step.TotalLoss);
            last = Stopwatch.GetTimestamp();
        });
        return new SideResult { Seconds = [.. seconds.Skip(1)], Units = positions, Checksum = [losses[0], losses[1]], How = trainer.Precision.ToString() };
    }

    /// <summary>The packed rows, taken apart again: an image's positions become one placeholder.</summary>
    private static IEnumerable<TrainingRow> Rows(SideInputs inputs, MetaMorphConfig config)
    {
        int[] ids = inputs.Numbers("ids"), labels = inputs.Numbers("labels"), lengths = inputs.Numbers("lengths");
        using Tensor tokens = inputs.Input("visual_tokens");
        float[] visual = TensorMemory.Span<float>(tokens).ToArray();
        int begin = 0, image = 0, size = config.VisualTokenCount * config.VisualTokenWidth;
        for (int row = 0; row < lengths.Length; begin += lengths[row], row++)
        {
            List<int> rowIds = [], rowLabels = [];
            int images = 0;
            for (int i = begin; i < begin + lengths[row]; i++)
            {
                rowIds.Add(ids[i]);
                rowLabels.Add(labels[i]);
                if (ids[i] != TokenSequence.ImagePlaceholder) continue;
                images++;
                i += config.VisualTokenCount - 1;
            }
            yield return new TrainingRow(new TokenSequence([.. rowIds], [.. rowLabels]), visual.AsMemory(image * size, images * size), row);
            image += images;
        }
    }
}
