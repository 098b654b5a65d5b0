using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>One set of weights as a model on each device that asks for one, built when it is first needed.</summary>
/// <param name="build">Makes the model on a device; called once for each, without gradients.</param>
/// <param name="precision">In which element type linear layers and convolutions are computed.</param>
/// <param name="storage">What the weights lie in; disposed after the models.</param>
/// <remarks>Not thread-safe: its owner takes turns.</remarks>
internal sealed class ModelsByDevice<TModel>(Func<Device, TModel> build, Precision precision, IDisposable? storage) : IDisposable
    where TModel : nn.Module
{
    private readonly Dictionary<string, TModel> _models = [];
    private bool _disposed;

    /// <summary>The model of a device.</summary>
    /// <exception cref="ObjectDisposedException">The weights were let go.</exception>
    public TModel this[Device device]
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            if (_models.TryGetValue(device.ToString(), out TModel? model)) return model;
            using (no_grad())
            {
                model = build(device);
            }

            model.eval();
            PrecisionProbe.Apply(model, PrecisionProbe.Resolve(precision, model, device));
            _models[device.ToString()] = model;
            return model;
        }
    }

    /// <summary>A model that is there already, or else that of the CPU.</summary>
    public TModel Any => _models.Values.FirstOrDefault() ?? this[CPU];

    /// <summary>In which element type a device computes, and why.</summary>
    public PrecisionChoice Choice(Device device) => PrecisionProbe.Resolve(precision, this[device], device);

    /// <summary>The parameters of a model under their published names.</summary>
    public static IReadOnlyList<KeyValuePair<string, Tensor>> Parameters(TModel model)
        => [.. model.named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter))];

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (TModel model in _models.Values) model.Dispose();
        _models.Clear();
        storage?.Dispose();
    }
}
