using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Models that are another one with a low-rank adapter, or without; they share the memory of all that is alike.</summary>
internal static class ResponseAdapter
{
    /// <summary>A model with the adapter of a PEFT folder.</summary>
    /// <param name="hold">The base model.</param>
    /// <param name="folder">The folder.</param>
    /// <exception cref="InvalidDataException">The adapter belongs to another base model; tensor and both shapes are named.</exception>
    /// <exception cref="InvalidOperationException">The model has an adapter already.</exception>
    public static ResponseModel Load(Lease<ResponseModel> hold, string folder)
    {
        ResponseModel model = hold.Value;
        if (model.Model.Language.Adapter is not null) throw new InvalidOperationException($"The model has a low-rank adapter already. Load '{folder}' into the model that it was trained for, or merge the present adapter first (MergeAdapter).");
        using LowRankFolder adapter = LowRankFolder.Open(folder, model.Model.Device);
        MetaMorphModel made = Made(model, adapter.Over(Shared(model, model.Parameters())));
        return Opened(hold, made, () => adapter.Attach(made, made.Language));
    }

    /// <summary>A model whose weights hold the change of its adapter, and no adapter.</summary>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public static ResponseModel Merge(Lease<ResponseModel> hold)
    {
        ResponseModel model = hold.Value;
        if (model.Model.Language.Adapter is null) throw MissingAdapter();
        using var scope = NewDisposeScope();
        return Opened(hold, Made(model, Shared(model, model.PlainParameters())), () => { });
    }

    /// <summary>Writes the adapter as a PEFT folder.</summary>
    /// <exception cref="InvalidOperationException">The model has no adapter.</exception>
    public static void Save(ResponseModel model, string folder)
        => LowRankFolder.Save(folder, model.Model, model.Model.Language.Adapter ?? throw MissingAdapter(), model.Config.Language.TieWordEmbeddings);

    private static InvalidOperationException MissingAdapter()
        => new($"The model has no low-rank adapter. One comes from training with {nameof(VisualPredictiveTrainingOptions)}.{nameof(VisualPredictiveTrainingOptions.LowRank)}, or from LoadAdapter.");

    private static SharedParameters Shared(ResponseModel model, IEnumerable<KeyValuePair<string, Tensor>> parameters) => new(parameters.ToDictionary(), model.Model.Device);

    private static MetaMorphModel Made(ResponseModel model, ParameterSource parameters)
    {
        using var mode = no_grad();
        return new MetaMorphModel(model.Config, parameters);
    }

    private static ResponseModel Opened(Lease<ResponseModel> hold, MetaMorphModel made, Action attach)
    {
        try
        {
            attach();
            return new ResponseModel(made, hold.Value.Text, hold.Value.Precision, hold.Share());
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }
}
