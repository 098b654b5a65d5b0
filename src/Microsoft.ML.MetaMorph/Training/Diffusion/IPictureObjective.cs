using TorchSharp.Modules;

namespace Microsoft.ML.MetaMorph;

/// <summary>What pictures teach a model, any run of the pictures of a batch at a time.</summary>
/// <typeparam name="TBatch">Pictures and what belongs to them.</typeparam>
/// <typeparam name="TDraws">All that is random in a step.</typeparam>
/// <typeparam name="TLoss">The loss of pictures, in parts or not.</typeparam>
internal interface IPictureObjective<TBatch, TDraws, TLoss>
{
    /// <summary>All weights that a loss is computed with, trained or not.</summary>
    IEnumerable<(string Name, Parameter Parameter)> Weights { get; }

    /// <summary>Checks that the model can take a batch.</summary>
    /// <exception cref="ArgumentException">It cannot; shapes are named.</exception>
    void Check(TBatch batch);

    /// <summary>Draws for a step, from the seed and its number alone.</summary>
    TDraws Draw(TBatch batch, long step);

    /// <summary>The summed losses of some pictures, adding to all gradients those of the sum divided by the number of pictures in the batch.</summary>
    TLoss Accumulate(TBatch batch, TDraws draws, int begin, int count);

    /// <summary>The summed losses of some pictures, without gradients.</summary>
    TLoss Evaluate(TBatch batch, TDraws draws, int begin, int count);

    /// <summary>What the gradients are those of, in a loss.</summary>
    double Total(TLoss loss);
}
