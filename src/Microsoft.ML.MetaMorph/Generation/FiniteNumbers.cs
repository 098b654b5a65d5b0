using TensorPrimitives = System.Numerics.Tensors.TensorPrimitives;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Looks at what the steps give. Weights are mapped, so nobody reads them all; where they hold NaN, in whichever part, it shows in the first
/// logits or the first visual token that the part has to do with. Reading them costs next to nothing beside the step that made them.
/// </summary>
internal sealed class FiniteNumbers(IReadOnlyList<DecodingPrompt> prompts)
{
    // Visual tokens are unit vectors, or an encoder's raw values, hundreds at most. From there on sums of their squares come near to overflow.
    private const float Absurd = 1e6f;

    /// <summary>Refuses numbers that are not finite, and says whose they are: a prompt's, by its visual tokens, or the weights'.</summary>
    /// <param name="live">What the step computed.</param>
    /// <param name="positions">How many positions the response of a row has before the step.</param>
    /// <exception cref="GenerationRequestException">A prompt's.</exception>
    /// <exception cref="NotFiniteNumberException">The weights'.</exception>
    public void Require(IReadOnlyList<DecodingRow> live, Func<int, int> positions)
    {
        List<DecodingRow>? broken = null;
        foreach (DecodingRow row in live)
        {
            if (!IsFinite(Values(row))) (broken ??= []).Add(row);
        }
        if (broken is null) return;
        // Ids are checked before, so without visual tokens nothing of a prompt can be to blame; rows that ended were finite to their end.
        DecodingRow? blamed = broken.Find(row => Largest(row) > Absurd);
        if (blamed is null && broken.Count < prompts.Count && broken.TrueForAll(row => Largest(row) > 0)) blamed = broken[0];
        string problem = Problem(blamed ?? broken[0], positions((blamed ?? broken[0]).Index));
        throw blamed is null ? Weights(problem, broken[0]) : Prompt(problem, blamed);
    }

    private GenerationRequestException Prompt(string problem, DecodingRow row)
        => new(row.Index, FormattableString.Invariant($"has visual tokens whose largest value is {Largest(row)}, from which the model computes no finite numbers: {problem}. Encode its pictures anew; where rows of ordinary values fail as well, the weights of the model are broken."), ofVisualTokens: true);

    private NotFiniteNumberException Weights(string problem, DecodingRow row)
        => new(Largest(row) > 0 ? FormattableString.Invariant($"{problem} (the largest value of the prompt's visual tokens, which might be to blame as well, is {Largest(row)})") : problem);

    private static string Problem(DecodingRow row, int position)
    {
        float[] values = Values(row);
        int at = Array.FindIndex(values, value => !float.IsFinite(value));
        string what = row.WantsVisual ? "visual token" : "logits", verb = row.WantsVisual ? "has" : "have";
        string which = position == 0 ? $"the first {what} behind a prompt" : FormattableString.Invariant($"the {what} at position {position + 1} of a response");
        return FormattableString.Invariant($"{which} {verb} {values[at]} at place {at} of {values.Length}");
    }

    private static bool IsFinite(float[] values) => values.Length == 0 || float.IsFinite(TensorPrimitives.MaxMagnitude(values));

    private static float[] Values(DecodingRow row) => row.WantsVisual ? row.VisualToken : row.Logits;

    /// <summary>The largest magnitude of the prompt's visual tokens; 0 without any.</summary>
    private float Largest(DecodingRow row)
    {
        float[] tokens = prompts[row.Index].VisualTokens;
        return tokens.Length == 0 ? 0 : MathF.Abs(TensorPrimitives.MaxMagnitude(tokens));
    }
}
