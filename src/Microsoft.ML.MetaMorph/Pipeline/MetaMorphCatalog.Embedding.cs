namespace Microsoft.ML.MetaMorph;

/// <content>Pictures and texts as vectors, for ordinary ML.NET.</content>
public sealed partial class MetaMorphCatalog
{
    /// <summary>Makes a vector of each picture.</summary>
    /// <param name="outputColumnName">The column of vectors that is appended: <c>Vector&lt;Single&gt;</c>, each of Euclidean length 1.</param>
    /// <param name="inputColumnName">The column of pictures: <see cref="Data.MLImage"/>, text (a path), or vector of byte (an encoded picture). Null: the column with the name of the output, which the vectors replace.</param>
    /// <param name="encoder">The encoder; the transformer shares its weights.</param>
    /// <param name="imageFolder">The folder at which relative paths start; null for the current folder of the process.</param>
    /// <param name="batchSize">Rows that are read ahead, and pictures that go through the tower at a time: 1 to 65,536.</param>
    /// <returns>The estimator.</returns>
    public EmbedImagesEstimator EmbedImages(string outputColumnName, string? inputColumnName, LanguageImageEncoder encoder, string? imageFolder = null, int batchSize = 16)
        => EmbedImages(new EmbedImagesEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            Encoder = encoder,
            ImageFolder = imageFolder,
            BatchSize = batchSize,
        });

    /// <summary>Makes a vector of each picture.</summary>
    /// <param name="options">Columns, encoder and batch size.</param>
    /// <returns>The estimator.</returns>
    public EmbedImagesEstimator EmbedImages(EmbedImagesEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new EmbedImagesEstimator(_context, options);
    }

    /// <summary>Makes a vector of each text, in the space of the vectors of pictures.</summary>
    /// <param name="outputColumnName">The column of vectors that is appended: <c>Vector&lt;Single&gt;</c>, each of Euclidean length 1.</param>
    /// <param name="inputColumnName">The column of texts. Null: the column with the name of the output, which the vectors replace.</param>
    /// <param name="encoder">The encoder; the transformer shares its weights.</param>
    /// <param name="batchSize">Rows that are read ahead, and texts that go through the tower at a time: 1 to 65,536.</param>
    /// <returns>The estimator.</returns>
    public EmbedTextsEstimator EmbedTexts(string outputColumnName, string? inputColumnName, LanguageImageEncoder encoder, int batchSize = 16)
        => EmbedTexts(new EmbedTextsEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            Encoder = encoder,
            BatchSize = batchSize,
        });

    /// <summary>Makes a vector of each text, in the space of the vectors of pictures.</summary>
    /// <param name="options">Columns, encoder and batch size.</param>
    /// <returns>The estimator.</returns>
    public EmbedTextsEstimator EmbedTexts(EmbedTextsEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new EmbedTextsEstimator(_context, options);
    }

    /// <summary>Classifies pictures by labels that are given as words; scores and probabilities stand in the columns <c>Score</c> and <c>Probability</c>.</summary>
    /// <param name="outputColumnName">The column of the label that fits best: a key, whose values are the labels.</param>
    /// <param name="inputColumnName">The column of pictures: <see cref="Data.MLImage"/>, text (a path), or vector of byte (an encoded picture).</param>
    /// <param name="encoder">The encoder; the transformer shares its weights.</param>
    /// <param name="labels">The labels, at least one, all different.</param>
    /// <param name="templates">Sentences with <c>{0}</c> where the label is put in; null for <c>This is a photo of {0}.</c></param>
    /// <param name="imageFolder">The folder at which relative paths start; null for the current folder of the process.</param>
    /// <param name="batchSize">Rows that are read ahead, and pictures and sentences that go through the towers at a time: 1 to 65,536.</param>
    /// <returns>The estimator.</returns>
    public ClassifyZeroShotEstimator ClassifyZeroShot(
        string outputColumnName,
        string inputColumnName,
        LanguageImageEncoder encoder,
        IReadOnlyList<string> labels,
        IReadOnlyList<string>? templates = null,
        string? imageFolder = null,
        int batchSize = 16)
        => ClassifyZeroShot(new ClassifyZeroShotEstimator.Options
        {
            PredictedLabelColumnName = outputColumnName,
            InputColumnName = inputColumnName,
            Encoder = encoder,
            Labels = labels,
            Templates = templates ?? ZeroShotLabels.DefaultTemplates,
            ImageFolder = imageFolder,
            BatchSize = batchSize,
        });

    /// <summary>Classifies pictures by labels that are given as words.</summary>
    /// <param name="options">Columns, encoder, labels, templates and batch size.</param>
    /// <returns>The estimator.</returns>
    public ClassifyZeroShotEstimator ClassifyZeroShot(ClassifyZeroShotEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new ClassifyZeroShotEstimator(_context, options);
    }
}
