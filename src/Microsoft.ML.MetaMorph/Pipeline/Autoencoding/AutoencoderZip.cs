namespace Microsoft.ML.MetaMorph;

/// <summary>Autoencoders out of folders and model zips.</summary>
internal static class AutoencoderZip
{
    private const string ConfigName = AutoencoderFolder.ConfigName;

    /// <summary>Opens a folder; weights are read when they are first needed.</summary>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static AutoencoderModel Open(string folder, string? variant, Precision precision)
    {
        (AutoencoderKLConfig config, TensorArchive weights) = AutoencoderFolder.Open(folder, variant);
        return Build(config, precision, weights, weights);
    }

    /// <summary>Writes the files of a model into a zip.</summary>
    public static void Save(AutoencoderModel model, ModelZipWriter zip)
    {
        zip.Write(ConfigName, stream => stream.Write(JsonFile.Bytes(model.Config.Write)));
        ZipWeights.Write(zip, model.Parameters());
    }

    /// <summary>Opens the files in a model zip.</summary>
    /// <exception cref="InvalidDataException">A file is missing or broken; zip and file are named.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static AutoencoderModel Open(ModelZipReader zip, string temporaryFolder, Precision precision)
    {
        AutoencoderKLConfig config = zip.ReadJson(ConfigName, AutoencoderKLConfig.FromJson);
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return Build(config, precision, weights.Archive, weights);
    }

    private static AutoencoderModel Build(AutoencoderKLConfig config, Precision precision, TensorArchive archive, IDisposable storage)
    {
        try
        {
            StoredParameters.Check(archive, parameters => new AutoencoderKL(config, parameters), hint: config.AbsentSizes);
            MemoryEstimate.Of(archive, part: CheckpointKeys.AutoencoderPart).Require();
            return new AutoencoderModel(config, precision, device => new AutoencoderKL(config, new StoredParameters(archive, device)), storage);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }
}
