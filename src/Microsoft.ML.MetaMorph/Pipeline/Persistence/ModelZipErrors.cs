using System.IO.Compression;
using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What ML.NET makes of a failure while it loads a model, brought back to what went wrong. It finds loaders by reflection, which wraps what
/// they throw, and it does not name the file that it cannot open.
/// </summary>
internal static class ModelZipErrors
{
    /// <summary>Where every model that ML.NET saved says how it is loaded.</summary>
    private const string ModelEntry = "TransformerChain/Model.key";

    /// <summary>The failure as a loader threw it, through as many chains as the model has.</summary>
    public static Exception Unwrap(Exception failure)
    {
        while (failure.InnerException is { } inner && (failure is TargetInvocationException || inner is TargetInvocationException)) failure = inner;
        return failure;
    }

    /// <summary>
    /// Holds the steps of a chain against the rows that it was saved for: names of columns stand in files that people edit, and one step may
    /// hide what the next one reads.
    /// </summary>
    /// <exception cref="InvalidDataException">A step cannot read the columns before it; the model is disposed.</exception>
    public static void RequireColumns(string path, ITransformer model, DataViewSchema? schema)
    {
        if (schema is null) return;     // it was saved without one
        int number = 0;
        foreach (ITransformer step in model as IEnumerable<ITransformer> ?? [model])
        {
            number++;
            // ML.NET saves no columns of pictures with the schema. What a MetaMorph reads is saved, or made by a step before it.
            if (step is EncodeImagesTransformer or EmbedImagesTransformer or ClassifyZeroShotTransformer) schema = WithPictures(schema, ((BatchTransformer)step).InputColumns);
            if (step is BatchTransformer ours && !(ours is MetaMorphTransformer && number > 1) && ours.InputColumns.Any(name => schema.GetColumnOrNull(name) is null)) return;
            try
            {
                schema = step.GetOutputSchema(schema);
            }
            catch (Exception failure) when (step is not BatchTransformer && failure is ArgumentException or InvalidOperationException)
            {
                return;     // the same holds for steps of others, whose columns are not known
            }
            catch (ArgumentException failure)
            {
                (model as IDisposable)?.Dispose();
                throw new InvalidDataException($"{path}: step {number} of the chain, {step.GetType().Name}, cannot read the columns that the steps before it leave: {failure.Message} The names of columns of our steps stand in '{SettingsJson.FileName}' in their directories; two of them do not belong together. {ModelZipReader.Advice}", failure);
            }
        }
    }

    /// <summary>The error for a folder in the place of a zip.</summary>
    public static ArgumentException Folder(string path, string parameter)
        => new($"'{path}' is a folder, but a model zip is expected: a file that mlContext.Model.Save wrote. Pretrained folders are opened by GenerateResponse, {nameof(ImageEncoder)}.Load, {nameof(LanguageImageEncoder)}.Load, {nameof(Visualizer)}.Load and {nameof(ImageAutoencoder)}.Load.", parameter);

    /// <summary>Whether ML.NET itself could not read the zip: what it throws then names no file.</summary>
    public static bool IsOfMLNet(Exception failure)
        => failure is FormatException || (failure is InvalidOperationException && failure.TargetSite?.DeclaringType?.Assembly is { } thrower && thrower != typeof(ModelZipErrors).Assembly);

    /// <summary>The error for a file that is no zip, no longer a whole one, or a zip of something else.</summary>
    public static InvalidDataException NotAModel(string path, Exception failure)
    {
        if (failure.InnerException is not InvalidDataException && LacksModel(path))
            return new InvalidDataException($"{path}: the file '{ModelEntry}' is missing; it is a zip of something else, or the model was not saved whole. {ModelZipReader.Advice}", failure);
        string reason = (failure.InnerException ?? failure).Message;
        return new InvalidDataException($"'{path}' cannot be opened as a model zip ({new FileInfo(path).Length} bytes): {reason} It is truncated or of another kind. {ModelZipReader.Advice}", failure);
    }

    private static DataViewSchema WithPictures(DataViewSchema schema, IReadOnlyList<string> columns)
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumns(schema);
        foreach (string name in columns.Distinct().Where(name => schema.GetColumnOrNull(name) is null)) builder.AddColumn(name, TextDataViewType.Instance, null);    // as paths
        return builder.ToSchema();
    }

    private static bool LacksModel(string path)
    {
        using ZipArchive zip = ZipFile.OpenRead(path);
        return zip.Entries.All(entry => entry.FullName.Replace('\\', '/') != ModelEntry);
    }
}
