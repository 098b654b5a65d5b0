using Microsoft.ML.Runtime;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Appends columns that an encoder of pictures and texts computes: <see cref="EmbedImagesTransformer"/>, <see cref="EmbedTextsTransformer"/>, <see cref="ClassifyZeroShotTransformer"/>.</summary>
/// <inheritdoc cref="BatchTransformer" path="/remarks"/>
public abstract class LanguageImageTransformer : BatchTransformer
{
    private readonly Lease<LanguageImageEncoderModel> _model;

    private protected LanguageImageTransformer(IHostEnvironment environment, Lease<LanguageImageEncoderModel> model)
    {
        _model = model.HeldBy(GetType());
        Device = ComputeDevice.Choose(environment);
    }

    /// <summary>A new handle on the encoder, for another estimator; dispose it after use.</summary>
    public LanguageImageEncoder Encoder => new(_model.Share());

    private protected Device Device { get; }

    private protected LanguageImageEncoderModel Model => _model.Value;

    /// <summary>Tells the log in which element type the encoder computes.</summary>
    internal void TellPrecision(IHostEnvironment environment) => PrecisionLog.Tell(environment, "Encoder of pictures and texts", Model.Choice(Device));

    private protected Lease<LanguageImageEncoderModel> Share() => _model.Share();

    /// <summary>The encoder of a zip.</summary>
    private protected static Lease<LanguageImageEncoderModel> Open(IHostEnvironment environment, ModelZipReader zip, Precision precision, string? trainedIn)
        => new(LanguageImageEncoderFolder.Open(zip, MLNetInternals.Settings(environment).TemporaryFolder, precision, trainedIn));

    /// <summary>Writes settings and encoder.</summary>
    /// <param name="context">Where to.</param>
    /// <param name="kind">The transformer's.</param>
    /// <param name="settings">What is written beside the encoder, of which it tells the precision.</param>
    private protected void Save<T>(ModelSaveContext context, string kind, Func<ImageEncoderSettings, T> settings) => MLNetInternals.Save(context, kind, zip =>
    {
        SettingsJson.Write(zip, settings(Model.Settings.Image));
        LanguageImageEncoderFolder.Save(Model, zip);
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _model.Dispose();
    }
}
