using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The parameters of a language model to whose vocabulary tokens were added: their rows of the embedding table, and of the output
/// matrix, are the mean of all rows before them, so that a new token starts as likely as an average one.
/// </summary>
/// <param name="inner">The parameters of the model as it was.</param>
/// <param name="storedRows">The rows of its tables.</param>
/// <param name="firstAdded">The id of the first added token; published tables may have unused rows from there on, which are replaced.</param>
/// <param name="count">How many tokens were added.</param>
internal sealed class AddedTokenParameters(ParameterSource inner, int storedRows, int firstAdded, int count) : ParameterSource
{
    private static readonly string[] Tables = ["model.embed_tokens.weight", "lm_head.weight"];

    /// <summary>The rows of the tables with the added tokens: the new vocabulary size.</summary>
    public int Rows { get; } = RowsOf(storedRows, firstAdded, count);

    public override Device Device => inner.Device;

    public override string Prefix => inner.Prefix;

    public override bool Has(string name) => inner.Has(name);

    public override Parameter Get(string name, long[] shape, Initialization initialization)
    {
        if (!Tables.Contains(name)) return inner.Get(name, shape, initialization);
        if (shape[0] != Rows) throw new InvalidDataException($"{name}: {shape[0]} rows were asked for; {storedRows} stored rows with {count} tokens added at {firstAdded} make {Rows}.");
        using Parameter stored = inner.Get(name, [storedRows, .. shape.AsSpan(1)], initialization);
        if (inner.Device.type == TorchSharp.DeviceType.META) return new Parameter(empty(shape, dtype: stored.dtype, device: inner.Device).DetachFromDisposeScope(), stored.requires_grad);
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor extended = empty(shape, dtype: stored.dtype, device: stored.device);
        int kept = Math.Min(storedRows, Rows);
        extended.narrow(0, 0, kept).copy_(stored.narrow(0, 0, kept));
        extended.narrow(0, firstAdded, count).copy_(stored.narrow(0, 0, firstAdded).mean([0], keepdim: true, type: ScalarType.Float64).expand(count, shape[1]));
        return new Parameter(extended.DetachFromDisposeScope(), stored.requires_grad);
    }

    private static int RowsOf(int storedRows, int firstAdded, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        if (firstAdded < 1 || firstAdded > storedRows)
            throw new InvalidDataException($"The tokenizer's next free id is {firstAdded}, but the model has {storedRows} embedding rows: tokens can be added only where the rows before them exist.");
        return Math.Max(storedRows, firstAdded + count);
    }
}
