using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Embeddings → final hidden states of a packed sequence, with a backward pass. Plain, autograd keeps every activation; with
/// checkpointing only the input of each decoder layer is kept and the layer is computed once more on the way back.
/// </summary>
/// <remarks>
/// Recomputation goes layer by layer in managed code instead of through a custom autograd function, in which an exception would end
/// the process. The decoder draws no random numbers but an adapter's dropout, which follows from its seed and the step, so the second computation is the first one, bit for bit.
/// </remarks>
internal sealed class DecoderTrunk : IDisposable
{
    private readonly Tensor _embeddings;
    private readonly IReadOnlyList<Func<Tensor, Tensor>>? _stages;
    private readonly Tensor[] _inputs = [];

    public DecoderTrunk(MetaMorphModel model, PackedSequence sequence, Tensor? visualTokens, bool checkpointing)
    {
        var layout = new PackedLayout(sequence.RowLengths);
        _embeddings = model.Splice(sequence.Ids, visualTokens);
        if (!checkpointing)
        {
            Hidden = model.Language.Hidden(_embeddings, layout);
            return;
        }
        using var mode = no_grad();
        _stages = Stages(model.Language.Model, layout);
        _inputs = new Tensor[_stages.Count];
        Tensor current = _embeddings.detach();
        for (int i = 0; i < _stages.Count; i++)
        {
            _inputs[i] = current;
            using var scope = NewDisposeScope();
            current = _stages[i](current).MoveToOuterDisposeScope();
        }
        Hidden = current;
    }

    /// <summary><c>[1, t, hidden]</c> after the final norm.</summary>
    public Tensor Hidden { get; }

    /// <summary>Adds to the gradients of everything below, given that of <see cref="Hidden"/>.</summary>
    public void Backward(Tensor gradient)
    {
        if (_stages is null)
        {
            if (Hidden.requires_grad) autograd.backward(Hidden, gradient);
            return;
        }
        bool below = _embeddings.requires_grad;
        for (int i = _stages.Count - 1; i >= 0; i--)
        {
            using var scope = NewDisposeScope();
            Tensor input = _inputs[i].detach().requires_grad_(true);
            Tensor output = _stages[i](input);
            autograd.backward(output, gradient);
            gradient = input.grad!.MoveToOuterDisposeScope();
            _inputs[i].Dispose();
        }
        if (below) autograd.backward(_embeddings, gradient);
    }

    /// <summary>The pieces that are recomputed one at a time: the layers, and the final norm.</summary>
    private List<Func<Tensor, Tensor>> Stages(DecoderStack stack, SequenceLayout layout)
    {
        AttentionPlan plan = stack.Plan(_embeddings, layout, cache: null);      // lives in the caller's scope, as long as this object
        var stages = new List<Func<Tensor, Tensor>>(stack.Layers.Count + 1);
        for (int i = 0; i < stack.Layers.Count; i++)
        {
            int number = i;
            stages.Add(input => stack.Layers[number].Forward(input, plan, cache: null, number));
        }
        stages.Add(stack.Norm.forward);
        return stages;
    }

    public void Dispose()
    {
        foreach (Tensor input in _inputs) input.Dispose();
        Hidden.Dispose();
        _embeddings.Dispose();
    }
}
