using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>The last predictions of a multistep solver, newest first. They outlive the dispose scopes of the steps.</summary>
internal sealed class PredictionHistory(int capacity) : IDisposable
{
    private readonly List<Tensor> _predictions = [];

    public int Count => _predictions.Count;

    /// <summary>0 is the newest.</summary>
    public Tensor this[int age] => _predictions[_predictions.Count - 1 - age];

    /// <summary>Keeps a prediction and lets the oldest go.</summary>
    public void Add(Tensor prediction)
    {
        _predictions.Add(prediction.alias().DetachFromDisposeScope());
        if (_predictions.Count <= capacity) return;
        _predictions[0].Dispose();
        _predictions.RemoveAt(0);
    }

    public void Dispose()
    {
        foreach (Tensor prediction in _predictions) prediction.Dispose();
        _predictions.Clear();
    }
}
