using System.Numerics.Tensors;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual tokens must be finite: one NaN spreads to every position of an answer and to every weight of a training, without an error.
/// </summary>
internal static class VisualTokenValues
{
    /// <summary>What is wrong with the values, and what to do; null where all are finite.</summary>
    /// <param name="values">Pictures one after another.</param>
    /// <param name="count">N.</param>
    /// <param name="width">D.</param>
    public static string? Problem(ReadOnlySpan<float> values, int count, int width)
    {
        // One pass over the values: the largest magnitude is NaN where any value is.
        if (values.IsEmpty || float.IsFinite(TensorPrimitives.MaxMagnitude(values))) return null;
        int at = 0;
        while (float.IsFinite(values[at])) at++;
        int token = at / width;
        return FormattableString.Invariant($"picture {token / count + 1}, visual token {token % count + 1}, value {at % width + 1} is {values[at]}; visual tokens must be finite numbers. ")
            + "Encode the picture again; if that gives the same, the encoder's weights are broken.";
    }
}
