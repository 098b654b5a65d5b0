using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Self-attention in which groups of query heads share a key and a value head (<c>self_attn</c>).</summary>
internal sealed class GroupedQueryAttention : NamedModule
{
    /// <summary>Positions up to which a row's scores are computed in full, and kept for the way back.</summary>
    internal const int LongestShort = 128;

    private readonly int _heads;
    private readonly int _sharedHeads;
    private readonly int _width;

    public GroupedQueryAttention(LanguageModelConfig config, ParameterSource parameters)
        : base(nameof(GroupedQueryAttention))
    {
        (_heads, _sharedHeads, _width) = (config.HeadCount, config.KeyValueHeadCount, config.HeadWidth);
        Initialization normal = Initialization.Normal(config.InitializerRange);
        Query = Add("q_proj", config.HiddenSize, _heads * _width, config.QueryKeyValueBias);
        Key = Add("k_proj", config.HiddenSize, _sharedHeads * _width, config.QueryKeyValueBias);
        Value = Add("v_proj", config.HiddenSize, _sharedHeads * _width, config.QueryKeyValueBias);
        Output = Add("o_proj", _heads * _width, config.HiddenSize, config.OutputBias);
        if (!config.QueryKeyNorm) return;
        register_module("q_norm", QueryNorm = new RmsNorm(parameters["q_norm"], _width, config.NormEpsilon));
        register_module("k_norm", KeyNorm = new RmsNorm(parameters["k_norm"], _width, config.NormEpsilon));

        Linear Add(string name, int from, int to, bool bias)
        {
            var layer = new Linear(parameters[name], from, to, bias, normal);
            register_module(name, layer);
            return layer;
        }
    }

    public Linear Query { get; }

    public Linear Key { get; }

    public Linear Value { get; }

    public Linear Output { get; }

    public RmsNorm? QueryNorm { get; }

    public RmsNorm? KeyNorm { get; }

    /// <summary><c>[b, t, hidden]</c> → <c>[b, t, hidden]</c>, in the compute type of the linear layers.</summary>
    /// <param name="input">The normalised input.</param>
    /// <param name="plan">Of this forward pass.</param>
    /// <param name="cache">Null, or where this layer's keys and values are kept.</param>
    /// <param name="layer">The number of this layer in the cache.</param>
    public Tensor Forward(Tensor input, AttentionPlan plan, KeyValueCache? cache, int layer)
    {
        using var scope = NewDisposeScope();
        long batch = input.shape[0], length = input.shape[1];
        Tensor narrow = input.to(Query.ComputeType);   // once for the three of them
        Tensor query = Heads(Query.Compute(narrow), _heads, QueryNorm, plan);
        Tensor key = Heads(Key.Compute(narrow), _sharedHeads, KeyNorm, plan);
        Tensor value = Value.Compute(narrow).view(batch, length, _sharedHeads, _width).to(ScalarType.Float32);
        Tensor mixed;
        if (plan.Packed is { } packed) mixed = AttendInGroups(query, key, value, packed);
        else if (cache is null) mixed = Attend(query, key.transpose(1, 2), value.transpose(1, 2), plan.Mask, plan.IsCausal);
        else mixed = AttendCached(query, key, value, plan, cache, layer);
        return Output.Compute(mixed.view(batch, length, _heads * _width)).MoveToOuterDisposeScope();
    }

    private Tensor Heads(Tensor projected, int heads, RmsNorm? norm, AttentionPlan plan)
    {
        Tensor split = projected.view(projected.shape[0], projected.shape[1], heads, _width).to(ScalarType.Float32);
        return RotaryEmbedding.Rotate(norm is null ? split : norm.forward(split), plan.Cosine, plan.SignedSine);
    }

    private Tensor AttendCached(Tensor query, Tensor key, Tensor value, AttentionPlan plan, KeyValueCache cache, int layer)
    {
        (Tensor keys, Tensor values) = cache.Append(layer, key, value);
        return Attend(query, keys.to(ScalarType.Float32), values.to(ScalarType.Float32), plan.Mask, plan.IsCausal);
    }

    /// <summary>Queries <c>[b, t, heads, d]</c> over keys and values <c>[b, kvHeads, s, d]</c> → <c>[b, t, heads · d]</c>.</summary>
    private Tensor Attend(Tensor query, Tensor keys, Tensor values, Tensor? mask, bool causal)
    {
        using var scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1], total = keys.shape[2], group = _heads / _sharedHeads;
        if (length == 1)
        {
            // A group's queries stand where positions would: keys and values are read once, not once a query head.
            Tensor folded = query.reshape(batch, _sharedHeads, group, _width);
            return Aten.ScaledDotProductAttention(folded, keys, values, mask).reshape(batch, 1, _heads * _width).MoveToOuterDisposeScope();
        }
        if (group == 1 || mask is { } own && own.shape[0] > 1)
        {
            // A mask of its own for every row: shared heads are copied rather than the mask.
            Tensor wide = Aten.ScaledDotProductAttention(query.transpose(1, 2), Repeat(keys), Repeat(values), mask, causal);
            return wide.transpose(1, 2).reshape(batch, length, _heads * _width).MoveToOuterDisposeScope();
        }
        // Rows and shared heads together take the place of rows; the group's queries share keys by a stride of zero, without copies.
        Tensor queries = query.view(batch, length, _sharedHeads, group, _width).permute(0, 2, 3, 1, 4).reshape(batch * _sharedHeads, group, length, _width);
        Tensor result = Aten.ScaledDotProductAttention(queries, Share(keys), Share(values), mask, causal);
        return result.view(batch, _sharedHeads, group, length, _width).permute(0, 3, 1, 2, 4).reshape(batch, length, _heads * _width).MoveToOuterDisposeScope();

        Tensor Repeat(Tensor shared) => group == 1 ? shared : shared.unsqueeze(2).expand(batch, _sharedHeads, group, total, _width).reshape(batch, _heads, total, _width);

        Tensor Share(Tensor shared) => shared.reshape(batch * _sharedHeads, 1, total, _width).expand(batch * _sharedHeads, group, total, _width);
    }

    private Tensor AttendInGroups(Tensor query, Tensor key, Tensor value, PackedRows packed)
    {
        using var scope = NewDisposeScope();
        Tensor[] queries = packed.Spread(query[0]), keys = packed.Spread(key[0]), values = packed.Spread(value[0]);
        var results = new Tensor[queries.Length];
        for (int i = 0; i < results.Length; i++)
        {
            results[i] = IsShort(queries[i])
                ? AttendShort(queries[i], keys[i], values[i])
                : Attend(queries[i], keys[i].transpose(1, 2), values[i].transpose(1, 2), mask: null, causal: true);
        }
        return packed.Gather(results).MoveToOuterDisposeScope();
    }

    /// <summary>
    /// Where the plain formula trains faster than the fused kernel, whose blocks short rows do not fill: on a CPU, a fifth in all. It
    /// keeps its scores for the way back, so it is not for long rows. Gradients or not must not matter: activations that are
    /// computed a second time have to be the same ones.
    /// </summary>
    private static bool IsShort(Tensor query) => query.device_type == TorchSharp.DeviceType.CPU && query.shape[1] <= LongestShort;

    /// <summary>Causal attention of <c>[b, t, heads, d]</c> over <c>[b, t, kvHeads, d]</c> → <c>[b, t, heads · d]</c>, scores in full.</summary>
    private Tensor AttendShort(Tensor query, Tensor key, Tensor value)
    {
        using var scope = NewDisposeScope();
        long batch = query.shape[0], length = query.shape[1], group = _heads / _sharedHeads;
        // A group's queries stand one after the other at each position, so one product serves the group.
        Tensor queries = query.view(batch, length, _sharedHeads, group, _width).transpose(1, 2).reshape(batch * _sharedHeads, length * group, _width);
        Tensor keys = Stack(key), values = Stack(value);
        Tensor visible = full([length, length], double.NegativeInfinity, dtype: ScalarType.Float32, device: query.device).triu(1);
        Tensor mask = visible.unsqueeze(1).expand(length, group, length).reshape(1, length * group, length);
        Tensor weights = queries.baddbmm(keys.transpose(1, 2), mask, 1, 1 / MathF.Sqrt(_width)).softmax(-1);
        return weights.bmm(values).view(batch, _sharedHeads, length, group, _width).transpose(1, 2).reshape(batch, length, _heads * _width).MoveToOuterDisposeScope();

        Tensor Stack(Tensor shared) => shared.transpose(1, 2).reshape(batch * _sharedHeads, length, _width);
    }
}
