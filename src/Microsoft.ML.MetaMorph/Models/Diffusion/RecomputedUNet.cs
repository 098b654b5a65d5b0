using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A UNet's prediction that keeps only the inputs of its steps; each step is computed once more on the way back.
/// </summary>
/// <remarks>
/// Recomputation goes step by step in managed code instead of through a custom autograd function, in which an exception would end the
/// process. What the network drops is drawn anew from seed, step and row (<see cref="ActivationDropout"/>), so the second computation is the first one.
/// </remarks>
internal sealed class RecomputedUNet : IRecomputedPrediction
{
    private readonly UNet2DConditionModel _unet;
    private readonly Tensor _input, _time, _context;
    private readonly Tensor _inputLeaf, _timeLeaf, _contextLeaf;
    private readonly Tensor _last;
    private readonly List<Visit> _visits = [];
    private readonly List<Tensor> _kept = [];

    /// <remarks>What is made here lives until this object is disposed, in the dispose scope around it.</remarks>
    /// <param name="unet">The network.</param>
    /// <param name="input">What it sees, with the graph of what it was made of.</param>
    /// <param name="timesteps"><c>[b]</c>.</param>
    /// <param name="context">The conditioning vectors, likewise with their graph.</param>
    public RecomputedUNet(UNet2DConditionModel unet, Tensor input, Tensor timesteps, Tensor context)
    {
        unet.Check(input, timesteps, context);
        _unet = unet;
        (_input, _context) = (input.alias(), context.to(ScalarType.Float32).alias());
        _time = unet.Time(timesteps, input.size(0));         // small: its graph is kept
        (_inputLeaf, _timeLeaf, _contextLeaf) = (Leaf(_input), Leaf(_time), Leaf(_context));
        using var mode = no_grad();
        Tensor hidden = Keep(unet.Enter(_inputLeaf));
        var skips = new Stack<Tensor>([hidden]);
        foreach (UNetStep step in unet.Steps)
        {
            Tensor? skip = step.TakesSkip ? skips.Pop() : null;
            var visit = new Visit(step, hidden, skip, UNet2DConditionModel.SizeOf(skips));
            _visits.Add(visit);
            hidden = Keep(step.Forward(hidden, skip, _timeLeaf, _contextLeaf, visit.Enlarged));
            if (step.LeavesSkip) skips.Push(hidden);
        }
        _last = hidden;
        Prediction = unet.Leave(hidden);
    }

    public Tensor Prediction { get; }

    public void Backward(Tensor gradient)
    {
        using var scope = NewDisposeScope();
        // What a step on the way up gives back for the picture it joined waits for the step on the way down that left it.
        var waiting = new Stack<Tensor>();
        gradient = Through(gradient, _last, null, (hidden, _) => _unet.Leave(hidden)).Hidden;
        for (int i = _visits.Count - 1; i >= 0; i--)
        {
            Visit visit = _visits[i];
            if (visit.Step.LeavesSkip) gradient = gradient.Then(g => g + waiting.Pop());
            (Tensor hidden, Tensor? skip) = Through(gradient, visit.Hidden, visit.Skip, (h, s) => visit.Step.Forward(h, s, _timeLeaf, _contextLeaf, visit.Enlarged));
            gradient.Dispose();
            gradient = hidden;
            if (skip is not null) waiting.Push(skip);
        }
        Tensor entered = _unet.Enter(_inputLeaf);
        if (entered.requires_grad) autograd.backward(entered, gradient + waiting.Pop());
        // In one pass: the input and the conditioning vectors are made of the same tokens, by a graph that is there once.
        Pass((_time, _timeLeaf), (_context, _contextLeaf), (_input, _inputLeaf));
    }

    public void Dispose()
    {
        foreach (Tensor kept in _kept) kept.Dispose();
        foreach (Tensor leaf in new[] { _inputLeaf, _timeLeaf, _contextLeaf, _input, _time, _context, Prediction }) leaf.Dispose();
    }

    private Tensor Keep(Tensor hidden)
    {
        _kept.Add(hidden);
        return hidden;
    }

    private static Tensor Leaf(Tensor tensor) => tensor.detach().requires_grad_(tensor.requires_grad);

    /// <summary>One piece forward and back: the gradients of its inputs.</summary>
    private static (Tensor Hidden, Tensor? Skip) Through(Tensor gradient, Tensor hidden, Tensor? skip, Func<Tensor, Tensor?, Tensor> piece)
    {
        using var scope = NewDisposeScope();
        Tensor leaf = hidden.detach().requires_grad_(true);
        Tensor? joined = skip?.detach().requires_grad_(true);
        autograd.backward(piece(leaf, joined), gradient);
        return (leaf.grad!.MoveToOuterDisposeScope(), joined?.grad!.MoveToOuterDisposeScope());
    }

    private static void Pass(params (Tensor Tensor, Tensor Leaf)[] pairs)
    {
        (Tensor Tensor, Tensor Leaf)[] reached = [.. pairs.Where(pair => pair.Tensor.requires_grad && pair.Leaf.grad is not null)];
        if (reached.Length > 0) autograd.backward([.. reached.Select(pair => pair.Tensor)], [.. reached.Select(pair => pair.Leaf.grad!)]);
    }

    private sealed record Visit(UNetStep Step, Tensor Hidden, Tensor? Skip, (long Height, long Width) Enlarged);
}
