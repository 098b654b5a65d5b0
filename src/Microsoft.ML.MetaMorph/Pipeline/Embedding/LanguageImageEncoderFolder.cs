using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Both towers of a SigLIP as a folder in Hugging Face layout, and as the same files in a model zip.</summary>
internal static class LanguageImageEncoderFolder
{
    /// <summary>Opens a folder; weights are read when they are first needed.</summary>
    /// <exception cref="InvalidDataException">The folder holds another model, or files that do not belong together.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static LanguageImageEncoderModel Open(string nameOrFolder, LanguageImageEncoderOptions options)
    {
        string folder = PretrainedFolder.Resolve(nameOrFolder);
        (SiglipConfig towers, VisualTokenSettings tokens) = ResponseModelFolder.ReadConfig(folder, Read);
        LanguageTokenizer tokenizer = options.Tokenizer ?? LanguageTokenizer.Load(folder);
        var image = new ImageEncoderSettings(towers.Vision, ImageEncoderFolder.Preprocessing(folder, options.ForImages()), tokens, options.Precision);
        TensorArchive archive = CheckpointKeys.ForSiglip(TensorArchive.Open(folder));
        return Build(new LanguageImageEncoderSettings(image, towers.Text), tokenizer, archive, archive, folder);
    }

    /// <summary>Opens the files in a model zip.</summary>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is.</exception>
    public static LanguageImageEncoderModel Open(ModelZipReader zip, string temporaryFolder, Precision precision, string? trainedIn)
    {
        (SiglipConfig towers, VisualTokenSettings tokens) = zip.ReadJson(ResponseModelFolder.ConfigName, Read);
        ImagePreprocessorConfig preprocessing = zip.ReadJson(ImagePreprocessorConfig.FileName, json => ImagePreprocessorConfig.FromJson(json));
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(new TokenizerFiles(ResponseModelFolder.TokenizerContents(zip), zip.Location));
        var image = new ImageEncoderSettings(towers.Vision, preprocessing, tokens, precision, trainedIn);
        ZipWeights weights = ZipWeights.Open(zip, temporaryFolder);
        return Build(new LanguageImageEncoderSettings(image, towers.Text), tokenizer, weights.Archive, weights, zip.Location);
    }

    /// <summary>Writes a folder that this and other libraries read.</summary>
    public static void Save(LanguageImageEncoderModel model, string folder)
    {
        Directory.CreateDirectory(folder);
        File.WriteAllBytes(Path.Combine(folder, ResponseModelFolder.ConfigName), Config(model.Settings));
        File.WriteAllBytes(Path.Combine(folder, ImagePreprocessorConfig.FileName), JsonFile.Bytes(model.Settings.Image.Preprocessing.Write));
        model.Texts.Tokenizer.Save(folder);
        SafeTensorsWriter.WriteSharded(folder, model.Parameters());
    }

    /// <summary>Writes the same files into a model zip.</summary>
    public static void Save(LanguageImageEncoderModel model, ModelZipWriter zip)
    {
        zip.Write(ResponseModelFolder.ConfigName, stream => stream.Write(Config(model.Settings)));
        zip.Write(ImagePreprocessorConfig.FileName, stream => stream.Write(JsonFile.Bytes(model.Settings.Image.Preprocessing.Write)));
        foreach ((string name, byte[] content) in model.Texts.Tokenizer.Files.Contents) zip.Write(name, stream => stream.Write(content));
        ZipWeights.Write(zip, model.Parameters());
    }

    private static LanguageImageEncoderModel Build(LanguageImageEncoderSettings settings, LanguageTokenizer tokenizer, TensorArchive archive, IDisposable storage, string location)
    {
        try
        {
            ImageEncoderFolder.Encoding(settings.Image, location);
            RequireTokens(settings.Text, tokenizer, location);
            StoredParameters.Check(archive, parameters => new SiglipModel(settings.Towers, parameters), hint: settings.Image.Vision.AbsentSizes + settings.Text.AbsentSizes);
            MemoryEstimate.Of(archive).Require();
            return new LanguageImageEncoderModel(settings, new TextTowerTokenizer(tokenizer), device => new StoredParameters(archive, device), storage, archive.Location);
        }
        catch
        {
            storage.Dispose();
            throw;
        }
    }

    private static void RequireTokens(SiglipTextConfig text, LanguageTokenizer tokenizer, string location)
    {
        if (tokenizer.HighestId >= text.VocabularySize)
            throw new InvalidDataException($"'{location}': the tokenizer has tokens up to the id {tokenizer.HighestId}, but the text tower of config.json knows {text.VocabularySize} ({text.Keys.Named("vocab_size")}). They do not belong together; give the tokenizer that the tower was trained with.");
    }

    private static (SiglipConfig Towers, VisualTokenSettings Tokens) Read(JsonElement config)
    {
        ImageEncoderFolder.RequireKind(config);
        SiglipConfig towers = SiglipConfig.FromJson(config);
        ImageEncoding.RequireColour(towers.Vision.Channels);
        if (!towers.Vision.UseHead)
            throw new InvalidDataException("'vision_use_head' is false: without its pooling head the vision tower gives visual tokens (ImageEncoder.Load, EncodeImages) and no vector of a picture.");
        return (towers, ImageEncoderFolder.Tokens(config));
    }

    private static byte[] Config(LanguageImageEncoderSettings settings) => ImageEncoderFolder.WithTokens(JsonFile.Bytes(settings.Towers.Write), settings.Image.Tokens);
}
