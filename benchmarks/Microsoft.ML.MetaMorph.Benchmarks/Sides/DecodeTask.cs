using System.Diagnostics;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Greedy steps after a prompt, through the generator that the pipeline uses; the prompt is not timed.</summary>
internal static class DecodeTask
{
    public static SideResult Run(SideOptions options)
    {
        using var mode = no_grad();
        using var inputs = new SideInputs(options.Folder);
        using var model = new CausalLanguageModel(LanguageModelConfig.FromJson(inputs.Config), inputs.Weights(options.Precision));
        PrecisionProbe.Apply(model, PrecisionProbe.Resolve(options.Precision, model, CPU));
        int[] prompt = inputs.Numbers("prompt"), forced = inputs.Numbers("forced");
        var clock = new TokenClock();
        var generation = new GenerationOptions { MaxNewTokens = forced.Length, Threads = options.Threads };
        using var generator = new ResponseGenerator(model, generation, () => clock, endIds: []);
        GenerationOptions scoring = generation.Clone();
        scoring.LogProbabilities = true;
        SideReport.Event(SideReport.Ready);
        GeneratedResponse scored = generator.Generate([new GenerationRequest(prompt, []) { ForcedIds = forced }], scoring)[0];
        SideReport.Event(SideReport.Warm, clock.Steps());
        var seconds = new double[options.Repeats];
        for (int i = 0; i < seconds.Length; i++)
        {
            generator.Generate(new GenerationRequest(prompt, []));
            seconds[i] = clock.Steps();
        }
        float[] scores = scored.LogProbabilities!;
        return new SideResult { Seconds = seconds, Units = forced.Length - 1, Checksum = [scores.Average(), scores[0], scores[^1]], How = generator.Engine };
    }

    /// <summary>Notes when each token comes. The first is the prompt's, so that n + 1 tokens are n steps.</summary>
    private sealed class TokenClock : ITextStream
    {
        private readonly List<long> _times = [];

        public string Append(int id)
        {
            _times.Add(Stopwatch.GetTimestamp());
            return "";
        }

        public string Flush() => "";

        /// <summary>Seconds from the first token to the last; starts over.</summary>
        public double Steps()
        {
            double seconds = Stopwatch.GetElapsedTime(_times[0], _times[^1]).TotalSeconds;
            _times.Clear();
            return seconds;
        }
    }
}
