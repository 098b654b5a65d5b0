using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>One set of weights as a model on each device that asks for one, built when it is first needed. Callers take turns.</summary>
/// <param name="build">Makes the model on a device; called once for each, without gradients.</param>
/// <param name="precision">In which element type linear layers and convolutions are computed.</param>
/// <param name="storage">What the weights lie in; disposed after the models.</param>
internal sealed class ModelsByDevice<TModel>(Func<Device, TModel> build, Precision precision, IDisposable? storage) : IDisposable
    where TModel : nn.Module
{
    private readonly Lock _turn = new();
    private readonly Dictionary<string, (TModel Model, PrecisionChoice Choice)> _models = [];
    private bool _disposed;

    /// <summary>In which element type a device computes, and why.</summary>
    /// <exception cref="ObjectDisposedException">The weights were let go.</exception>
    public PrecisionChoice Choice(Device device)
    {
        lock (_turn) return Opened(device).Choice;
    }

    /// <summary>Makes the model of a device now; what it is made from may go afterwards.</summary>
    /// <exception cref="ObjectDisposedException">The weights were let go.</exception>
    public void Prepare(Device device)
    {
        lock (_turn) _ = On(device);
    }

    /// <summary>Computes with the model of a device, without gradients; tensors that are made go with the turn.</summary>
    /// <exception cref="ObjectDisposedException">The weights were let go.</exception>
    public TResult Compute<TResult>(Device device, Func<TModel, TResult> compute)
    {
        // No-grad and dispose scopes belong to a thread: they are set where the work is, for a stock mapper may call from any thread.
        lock (_turn)
        {
            using var mode = no_grad();
            using var scope = NewDisposeScope();
            return compute(On(device));
        }
    }

    /// <summary>Writes a model that is there already, or else that of the CPU.</summary>
    /// <exception cref="ObjectDisposedException">The weights were let go.</exception>
    public void Save(Action<TModel> write)
    {
        lock (_turn) write(Any());
    }

    /// <summary>The parameters of a model under their published names; they stay valid while this object is.</summary>
    /// <param name="device">Of which model; null: of one that is there already, or else of the CPU's.</param>
    /// <exception cref="ObjectDisposedException">The weights were let go.</exception>
    public IReadOnlyList<KeyValuePair<string, Tensor>> Parameters(Device? device = null)
    {
        lock (_turn) return [.. (device is null ? Any() : On(device)).named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];
    }

    public void Dispose()
    {
        lock (_turn)
        {
            if (_disposed) return;
            _disposed = true;
            foreach ((TModel model, _) in _models.Values) model.Dispose();
            _models.Clear();
            storage?.Dispose();
        }
    }

    private TModel Any() => _models.Count > 0 ? _models.Values.First().Model : On(CPU);

    private TModel On(Device device) => Opened(device).Model;

    private (TModel Model, PrecisionChoice Choice) Opened(Device device)
    {
        ObjectDisposedException.ThrowIf(_disposed, this);
        if (_models.TryGetValue(device.ToString(), out (TModel, PrecisionChoice) opened)) return opened;
        TModel model;
        using (no_grad())
        {
            model = build(device);
        }

        model.eval();
        PrecisionChoice choice = PrecisionProbe.Resolve(precision, model, device);
        PrecisionProbe.Apply(model, choice, isFixed: true);
        return _models[device.ToString()] = (model, choice);
    }
}
