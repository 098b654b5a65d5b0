namespace Microsoft.ML.MetaMorph;

/// <summary>One source of a mixture.</summary>
/// <param name="Source">Its rows, in their order.</param>
/// <param name="Weight">How often it has its turn, against the weights of the others: more than 0.</param>
public sealed record RowMixturePart(RowSource Source, double Weight = 1)
{
    /// <summary>Its rows.</summary>
    public RowSource Source { get; init; } = Source ?? throw new ArgumentNullException(nameof(Source));

    /// <summary>The most rows that are taken of it: 1 or more; null for all.</summary>
    public long? Limit { get; init; }

    /// <summary>Whether it begins anew at its end, until <see cref="Limit"/>, which is needed then.</summary>
    public bool Repeat { get; init; }

    internal void Validate(int index)
    {
        string name = FormattableString.Invariant($"Part {index + 1} of the mixture");
        if (!(Weight > 0) || !double.IsFinite(Weight)) throw new ArgumentOutOfRangeException(nameof(Weight), Weight, FormattableString.Invariant($"{name} has the {nameof(Weight)} {Weight}; a finite number above 0 is needed."));
        if (Limit < 1) throw new ArgumentOutOfRangeException(nameof(Limit), Limit, FormattableString.Invariant($"{name} has the {nameof(Limit)} {Limit}; 1 or more is needed, or null for all rows."));
        if (Repeat && Limit is null) throw new ArgumentException($"{name} has {nameof(Repeat)} without a {nameof(Limit)}, so the mixture would never end. Set {nameof(Limit)}.");
    }
}
