namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary><c>GenerateResponse</c> over an <see cref="IDataView"/> beside the same generator called directly on the same prompts.</summary>
internal static class GenerateOverheadTask
{
    private const int Prompts = 16, Batch = 8, NewTokens = 24;

    public static SideResult Run(SideOptions options)
    {
        string folder = Path.Combine(options.Folder, PipelineFolder.Model);
        var generation = new GenerationOptions { MaxNewTokens = NewTokens, Threads = options.Threads };
        var ml = new MLContext(seed: 1);
        using MetaMorphTransformer transformer = ml.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options
        {
            PretrainedFolder = folder,
            Generation = generation,
            GenerationBatchSize = Batch,
            Precision = options.Precision,
        }).Fit(ml.Data.LoadFromEnumerable<PromptRow>([]));
        // The same weights at the same addresses: how memory lies makes more of a difference than the pipeline does.
        ResponseModel direct = transformer.Model;
        PromptRow[] rows = [.. Enumerable.Range(0, Prompts).Select(i => Row(i, direct.PictureLength))];
        IDataView data = ml.Data.LoadFromEnumerable(rows);
        return Overhead.Measure(options.Repeats, Prompts, Direct, Pipeline);

        double Direct()
        {
            double sum = 0;
            foreach (PromptRow[] part in rows.Chunk(Batch))
            {
                GenerationRequest[] requests = [.. part.Select(row => new GenerationRequest(direct.Text.Encoder.EncodePrompt(Conversation.FromTurns([row.Prompt], [], 1, "row")).Ids, row.VisualTokens))];
                foreach (GeneratedResponse response in direct.Generate(requests, generation, log: null)) sum += Sum(response.Text, response.VisualTokens);
            }
            return sum;
        }

        double Pipeline()
        {
            double sum = 0;
            foreach (AnswerRow row in ml.Data.CreateEnumerable<AnswerRow>(transformer.Transform(data), reuseRowObject: false, ignoreMissingColumns: true))
                sum += Sum(row.PredictedResponse, row.ResponseVisualTokens);
            return sum;
        }
    }

    private static double Sum(string text, float[] tokens) => text.Sum(c => (double)c) + tokens.Sum(value => Math.Abs((double)value));

    private static PromptRow Row(int number, int pictureLength)
    {
        var random = new Random(number);
        return new PromptRow { Prompt = "<image>" + SampleText.Prompt(number), VisualTokens = [.. Enumerable.Range(0, pictureLength).Select(_ => random.NextSingle() - 0.5f)] };
    }

    private sealed class PromptRow
    {
        public string Prompt { get; set; } = "";

        public float[] VisualTokens { get; set; } = [];
    }

    private sealed class AnswerRow
    {
        public string PredictedResponse { get; set; } = "";

        public float[] ResponseVisualTokens { get; set; } = [];
    }
}
