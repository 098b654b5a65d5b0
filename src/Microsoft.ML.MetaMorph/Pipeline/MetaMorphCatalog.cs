using System.Runtime.ExceptionServices;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Components that read pictures and predict them; from <c>mlContext.MetaMorph()</c>.</summary>
public sealed partial class MetaMorphCatalog
{
    private readonly MLContext _context;

    internal MetaMorphCatalog(MLContext context)
    {
        _context = context;
        Trainers = new MetaMorphTrainers(context);
        Data = new MetaMorphData(context);
    }

    /// <summary>The components that learn.</summary>
    public MetaMorphTrainers Trainers { get; }

    /// <summary>Rows of training data out of files.</summary>
    public MetaMorphData Data { get; }

    /// <summary>Encodes pictures as visual tokens.</summary>
    /// <param name="outputColumnName">The column of visual tokens that is appended: <c>Vector&lt;Single&gt;</c> [pictures, N, D].</param>
    /// <param name="inputColumnName">The column of pictures: <see cref="MLImage"/>, text (a path), vector of text (several paths), or vector of byte (an encoded picture). Null: the column with the name of the output, which the tokens replace.</param>
    /// <param name="encoder">The encoder; the transformer shares its weights.</param>
    /// <param name="imageFolder">The folder at which relative paths start; null for the current folder of the process.</param>
    /// <param name="batchSize">Rows that are read ahead, and pictures that go through the encoder at a time: 1 to 65,536.</param>
    /// <returns>The estimator.</returns>
    public EncodeImagesEstimator EncodeImages(string outputColumnName, string? inputColumnName, ImageEncoder encoder, string? imageFolder = null, int batchSize = 16)
    {
        if (inputColumnName is { Length: 0 }) throw new ArgumentException($"{nameof(inputColumnName)} is empty; name a column, or set it to null for that with the name of the output.", nameof(inputColumnName));
        IReadOnlyList<string> inputs = inputColumnName is null ? [] : [inputColumnName];
        return EncodeImages(outputColumnName, inputs, encoder, imageFolder, batchSize);
    }

    /// <summary>Encodes the pictures of several columns, one after another, as visual tokens; how many each column gave is appended as <c>Vector&lt;Int32&gt;</c>, named after the tokens' column with <c>PictureCounts</c> behind it.</summary>
    /// <param name="outputColumnName">The column of visual tokens that is appended: <c>Vector&lt;Single&gt;</c> [pictures, N, D].</param>
    /// <param name="inputColumnNames">The columns of pictures, in the order of their pictures; a row that has fewer leaves some empty.</param>
    /// <param name="encoder">The encoder; the transformer shares its weights.</param>
    /// <param name="imageFolder">The folder at which relative paths start; null for the current folder of the process.</param>
    /// <param name="batchSize">Rows that are read ahead, and pictures that go through the encoder at a time: 1 to 65,536.</param>
    /// <returns>The estimator.</returns>
    public EncodeImagesEstimator EncodeImages(string outputColumnName, IReadOnlyList<string> inputColumnNames, ImageEncoder encoder, string? imageFolder = null, int batchSize = 16)
    {
        BatchSizes.Require(batchSize, nameof(batchSize));
        return EncodeImages(new EncodeImagesEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnNames = inputColumnNames,
            Encoder = encoder,
            ImageFolder = imageFolder,
            BatchSize = batchSize,
        });
    }

    /// <summary>Encodes pictures as visual tokens.</summary>
    /// <param name="options">Columns, encoder and batch size.</param>
    /// <returns>The estimator.</returns>
    public EncodeImagesEstimator EncodeImages(EncodeImagesEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new EncodeImagesEstimator(_context, options);
    }

    /// <summary>Trains a byte-level BPE tokenizer on a column of texts, for a model made from nothing. The rows are read once, now.</summary>
    /// <param name="data">The rows.</param>
    /// <param name="columnName">The column: text, or vector of text. Missing and empty texts are passed over.</param>
    /// <param name="options">Vocabulary size, special tokens, chat template; null for the defaults.</param>
    /// <returns>The tokenizer, to be saved as <c>tokenizer.json</c> (<see cref="LanguageTokenizer.Save"/>) or given to a trainer. The same texts, in any order, give the same one.</returns>
    /// <exception cref="ArgumentException">The column is missing or of another type, or an option is out of range; the message names it.</exception>
    public LanguageTokenizer TrainTokenizer(IDataView data, string columnName, BytePairTrainingOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        ArgumentException.ThrowIfNullOrEmpty(columnName);
        TextColumn.Require(data.Schema, columnName, "texts");
        return LanguageTokenizer.Train(TextRows.Read(data, columnName), options);
    }

    /// <summary>Answers prompts with a pretrained MetaMorph; nothing is trained.</summary>
    /// <param name="pretrainedFolder">A folder in Hugging Face layout, or the name (<c>org/name</c>) of a model in the local Hugging Face cache.</param>
    /// <param name="outputColumnName">The column of response texts that is appended.</param>
    /// <param name="promptColumnName">The column of prompts: text, or vector of text (several turns).</param>
    /// <param name="visualTokensColumnName">The column of visual tokens; null where no prompt has pictures.</param>
    /// <param name="outputVisualTokensColumnName">The column of the responses' visual tokens that is appended; null for none.</param>
    /// <param name="generation">How responses are made; null for greedy decoding.</param>
    /// <param name="batchSize">Rows that are answered at a time: 1 to 65,536.</param>
    /// <returns>The estimator.</returns>
    public GenerateResponseEstimator GenerateResponse(
        string pretrainedFolder,
        string outputColumnName = DefaultColumnNames.PredictedResponse,
        string promptColumnName = DefaultColumnNames.Prompt,
        string? visualTokensColumnName = DefaultColumnNames.VisualTokens,
        string? outputVisualTokensColumnName = DefaultColumnNames.ResponseVisualTokens,
        GenerationOptions? generation = null,
        int batchSize = 8)
    {
        BatchSizes.Require(batchSize, nameof(batchSize));
        return GenerateResponse(new GenerateResponseEstimator.Options
        {
            PretrainedFolder = pretrainedFolder,
            OutputColumnName = outputColumnName,
            PromptColumnName = promptColumnName,
            VisualTokensColumnName = visualTokensColumnName,
            OutputVisualTokensColumnName = outputVisualTokensColumnName,
            Generation = generation ?? new GenerationOptions(),
            GenerationBatchSize = batchSize,
        });
    }

    /// <summary>Answers prompts with a pretrained MetaMorph; nothing is trained.</summary>
    /// <param name="options">Folder, columns and generation.</param>
    /// <returns>The estimator.</returns>
    public GenerateResponseEstimator GenerateResponse(GenerateResponseEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new GenerateResponseEstimator(_context, options);
    }

    /// <summary>Loads a model that was saved with <c>mlContext.Model.Save</c>, as <c>mlContext.Model.Load</c> does, but tells what is wrong with a broken one.</summary>
    /// <remarks>
    /// ML.NET wraps what a loader throws in a <see cref="System.Reflection.TargetInvocationException"/>, whose own message says nothing, and
    /// does not name a file that it cannot open. This method throws what went wrong itself.
    /// </remarks>
    /// <param name="filePath">The model zip.</param>
    /// <param name="inputSchema">The schema of the rows that the model was saved for.</param>
    /// <returns>The model; dispose it after use.</returns>
    /// <exception cref="ArgumentException">It is a folder.</exception>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">The file is no whole model zip; file, entry and what to do are named.</exception>
    /// <exception cref="InsufficientMemoryException">The weights need more memory than there is; both numbers are named, and nothing was loaded.</exception>
    public ITransformer LoadModel(string filePath, out DataViewSchema inputSchema)
    {
        ArgumentException.ThrowIfNullOrEmpty(filePath);
        if (Directory.Exists(filePath)) throw ModelZipErrors.Folder(filePath, nameof(filePath));
        try
        {
            ITransformer model = _context.Model.Load(filePath, out inputSchema);
            ModelZipErrors.RequireColumns(filePath, model, inputSchema);
            return model;
        }
        catch (Exception failure) when (ModelZipErrors.IsOfMLNet(ModelZipErrors.Unwrap(failure)))
        {
            throw ModelZipErrors.NotAModel(filePath, ModelZipErrors.Unwrap(failure));
        }
        catch (Exception failure) when (ModelZipErrors.Unwrap(failure) != failure)
        {
            ExceptionDispatchInfo.Throw(ModelZipErrors.Unwrap(failure));
            throw;
        }
    }

    /// <summary>Draws pictures from visual tokens.</summary>
    /// <param name="outputColumnName">The column of pictures that is appended: <see cref="MLImage"/>, null where a row has none.</param>
    /// <param name="inputColumnName">The column of visual tokens: <c>Vector&lt;Single&gt;</c> [pictures, N, D]. Null: the column with the name of the output, which the first picture replaces.</param>
    /// <param name="visualizer">What draws; the transformer shares its weights.</param>
    /// <param name="generation">Steps, guidance, size, seed; null for the defaults.</param>
    /// <param name="maximumImages">Columns of pictures, 1 to 1,024: the first has <paramref name="outputColumnName"/>, the others a number behind it. Further pictures of a row are not drawn.</param>
    /// <param name="outputFolder">A folder for PNG files; the output column then is a vector of text, their paths. Null for pictures in columns.</param>
    /// <returns>The estimator.</returns>
    public GenerateImagesEstimator GenerateImages(
        string outputColumnName,
        string? inputColumnName,
        Visualizer visualizer,
        ImageGenerationOptions? generation = null,
        int maximumImages = 1,
        string? outputFolder = null)
        => GenerateImages(new GenerateImagesEstimator.Options
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName ?? outputColumnName,
            Visualizer = visualizer,
            Generation = generation,
            MaximumImages = maximumImages,
            OutputFolder = outputFolder,
        });

    /// <summary>Draws pictures from visual tokens.</summary>
    /// <param name="options">Columns, visualizer and how it draws.</param>
    /// <returns>The estimator.</returns>
    public GenerateImagesEstimator GenerateImages(GenerateImagesEstimator.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new GenerateImagesEstimator(_context, options);
    }

    /// <summary>Encodes a picture and draws it again from its visual tokens, to see what the tokens hold.</summary>
    /// <param name="outputColumnName">The column of pictures that is appended. The visual tokens stand in a column of this name with <c>Tokens</c> behind it.</param>
    /// <param name="inputColumnName">The column of pictures. Null: the column with the name of the output, which the drawn picture replaces.</param>
    /// <param name="encoder">The encoder.</param>
    /// <param name="visualizer">The visualizer that was trained with it.</param>
    /// <param name="generation">Steps, guidance, size, seed; null for the defaults.</param>
    /// <param name="maximumImages">Columns of pictures, 1 to 1,024: the first has <paramref name="outputColumnName"/>, the others a number behind it. Further pictures of a row are not drawn.</param>
    /// <param name="outputFolder">A folder for PNG files; the output column then is a vector of text, their paths. Null for pictures in columns.</param>
    /// <param name="imageFolder">The folder at which relative paths start; null for the current folder of the process.</param>
    /// <returns>The estimator.</returns>
    public EstimatorChain<GenerateImagesTransformer> ReconstructImages(
        string outputColumnName,
        string? inputColumnName,
        ImageEncoder encoder,
        Visualizer visualizer,
        ImageGenerationOptions? generation = null,
        int maximumImages = 1,
        string? outputFolder = null,
        string? imageFolder = null)
        => ReconstructImages(new ReconstructImagesOptions
        {
            OutputColumnName = outputColumnName,
            InputColumnName = inputColumnName ?? outputColumnName,
            Encoder = encoder,
            Visualizer = visualizer,
            Generation = generation,
            MaximumImages = maximumImages,
            OutputFolder = outputFolder,
            ImageFolder = imageFolder,
        });

    /// <summary>Encodes a picture and draws it again from its visual tokens, to see what the tokens hold.</summary>
    /// <param name="options">Columns, encoder, visualizer and how it draws.</param>
    /// <returns>The estimator.</returns>
    public EstimatorChain<GenerateImagesTransformer> ReconstructImages(ReconstructImagesOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (string tokens, string? errors) = Between(options);
        return EncodeImages(options.Encoding(tokens, errors)).Append(GenerateImages(options.Of(tokens, errors)));
    }

    /// <summary>Draws what a prompt asks for: a pretrained MetaMorph answers with a picture, and the visualizer paints it.</summary>
    /// <param name="outputColumnName">The column of pictures that is appended. Text and visual tokens of the answer stand in columns of this name with <c>Response</c> and <c>Tokens</c> behind it.</param>
    /// <param name="promptColumnName">The column of prompts: text.</param>
    /// <param name="pretrainedFolder">The MetaMorph: a folder in Hugging Face layout, or the name of a model in the local Hugging Face cache.</param>
    /// <param name="visualizer">The visualizer that was trained with its encoder.</param>
    /// <param name="generation">Steps, guidance, size, seed; null for the defaults.</param>
    /// <param name="maximumImages">Columns of pictures, 1 to 1,024: the first has <paramref name="outputColumnName"/>, the others a number behind it. Further pictures of an answer are not drawn.</param>
    /// <param name="outputFolder">A folder for PNG files; the output column then is a vector of text, their paths. Null for pictures in columns.</param>
    /// <param name="visualTokensColumnName">The column of the prompts' pictures as visual tokens; null where no prompt has pictures.</param>
    /// <returns>The estimator.</returns>
    public EstimatorChain<GenerateImagesTransformer> DrawImages(
        string outputColumnName,
        string promptColumnName,
        string pretrainedFolder,
        Visualizer visualizer,
        ImageGenerationOptions? generation = null,
        int maximumImages = 1,
        string? outputFolder = null,
        string? visualTokensColumnName = null)
        => DrawImages(new DrawImagesOptions
        {
            OutputColumnName = outputColumnName,
            PromptColumnName = promptColumnName,
            PretrainedFolder = pretrainedFolder,
            Visualizer = visualizer,
            Generation = generation,
            MaximumImages = maximumImages,
            OutputFolder = outputFolder,
            VisualTokensColumnName = visualTokensColumnName,
        });

    /// <summary>Draws what a prompt asks for: a pretrained MetaMorph answers with a picture, and the visualizer paints it.</summary>
    /// <param name="options">Columns, MetaMorph, visualizer and how both work.</param>
    /// <returns>The estimator.</returns>
    public EstimatorChain<GenerateImagesTransformer> DrawImages(DrawImagesOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (string tokens, string? errors) = Between(options);
        return GenerateResponse(options.Responding(tokens, errors)).Append(GenerateImages(options.Of(tokens, errors)));
    }

    /// <summary>The columns between what makes visual tokens and what draws them; one of errors where the drawing has one.</summary>
    private static (string Tokens, string? Errors) Between(DrawingOptions options)
    {
        string tokens = options.OutputColumnName + "Tokens";
        return (tokens, options.ErrorColumnName is null ? null : tokens + "Error");
    }
}
