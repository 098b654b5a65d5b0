namespace Microsoft.ML.MetaMorph;

/// <summary>How the positions of <c>[b, t, hidden]</c> belong together: who may attend to whom, and where counting starts.</summary>
internal abstract record SequenceLayout
{
    /// <summary>Every row is one sequence; right padding needs nothing more, for later positions are never seen.</summary>
    public static SequenceLayout Causal { get; } = new CausalLayout();
}

/// <summary>Every row is one sequence from its first position on.</summary>
internal sealed record CausalLayout : SequenceLayout;

/// <summary>Row i begins with <c>Padding[i]</c> positions that nothing attends to; counting starts behind them.</summary>
/// <param name="Padding">One count a row of the batch; a cache keeps them for the steps that follow.</param>
internal sealed record LeftPaddedLayout(int[] Padding) : SequenceLayout;

/// <summary>One row (<c>b = 1</c>) holds several sequences, one after the other; none sees another, each counts from 0.</summary>
/// <param name="Lengths">Their lengths, in order; the sum is t.</param>
internal sealed record PackedLayout(int[] Lengths) : SequenceLayout;
