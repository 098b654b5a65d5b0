using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>The transformers that a model zip can hold, by the word that stands in its model stream.</summary>
internal static class SavedKinds
{
    /// <summary>Makes the transformer of one kind from the files in its directory of the zip.</summary>
    public delegate ITransformer Loader(IHostEnvironment environment, ModelZipReader zip);

    private static readonly ConcurrentDictionary<string, Loader> Loaders = new(StringComparer.Ordinal)
    {
        [EncodeImagesTransformer.Kind] = EncodeImagesTransformer.Load,
        [MetaMorphTransformer.Kind] = MetaMorphTransformer.Load,
        [GenerateImagesTransformer.Kind] = GenerateImagesTransformer.Load,
        [AutoencodeImagesTransformer.Kind] = AutoencodeImagesTransformer.Load,
        [EmbedImagesTransformer.Kind] = EmbedImagesTransformer.Load,
        [EmbedTextsTransformer.Kind] = EmbedTextsTransformer.Load,
        [ClassifyZeroShotTransformer.Kind] = ClassifyZeroShotTransformer.Load,
    };

    /// <summary>Adds a kind.</summary>
    public static void Add(string kind, Loader loader) => Loaders[kind] = loader;

    /// <summary>Loads the transformer that was saved as <paramref name="kind"/>.</summary>
    /// <exception cref="InvalidDataException">The kind is not known: the model is newer than the library.</exception>
    public static ITransformer Load(string kind, IHostEnvironment environment, ModelZipReader zip)
    {
        if (!Loaders.TryGetValue(kind, out Loader? load))
            throw new InvalidDataException($"{zip.Location}: no transformer of the kind '{kind}' is known; a newer version of Microsoft.ML.MetaMorph may have saved it.");
        return load(environment, zip);
    }
}
