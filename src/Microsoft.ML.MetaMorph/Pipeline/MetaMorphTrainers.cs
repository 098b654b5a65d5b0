using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>The components of <c>mlContext.MetaMorph()</c> that learn.</summary>
public sealed class MetaMorphTrainers
{
    private readonly IHostEnvironment _environment;

    internal MetaMorphTrainers(IHostEnvironment environment)
    {
        _environment = environment;
    }

    /// <summary>Visual-Predictive Instruction Tuning (arXiv 2412.14164) from a pretrained folder.</summary>
    /// <param name="pretrainedFolder">A folder in Hugging Face layout with a MetaMorph or a language model, or the name (<c>org/name</c>) of one in the local Hugging Face cache.</param>
    /// <param name="outputColumnName">The column of response texts that is appended.</param>
    /// <param name="promptColumnName">The column of prompts: text, or vector of text (several turns).</param>
    /// <param name="responseColumnName">The column of responses, as the prompts.</param>
    /// <param name="visualTokensColumnName">The column of visual tokens: pictures of the prompts first, in the order of their marks.</param>
    /// <param name="outputVisualTokensColumnName">The column of the responses' visual tokens that is appended; null for none.</param>
    /// <param name="responseVisualTokensColumnName">The column of the responses' visual tokens, where the other holds those of the prompts alone; null where one column holds both.</param>
    /// <param name="epochs">Passes over the rows.</param>
    /// <param name="batchSize">Rows of an optimizer step.</param>
    /// <param name="learningRate">The peak learning rate; null for the paper's, scaled to the batch size.</param>
    /// <returns>The trainer.</returns>
    public VisualPredictiveInstructionTuningTrainer VisualPredictiveInstructionTuning(
        string pretrainedFolder,
        string outputColumnName = DefaultColumnNames.PredictedResponse,
        string promptColumnName = DefaultColumnNames.Prompt,
        string responseColumnName = DefaultColumnNames.Response,
        string visualTokensColumnName = DefaultColumnNames.VisualTokens,
        string? outputVisualTokensColumnName = DefaultColumnNames.ResponseVisualTokens,
        string? responseVisualTokensColumnName = null,
        int epochs = 1,
        int batchSize = 32,
        double? learningRate = null)
        => VisualPredictiveInstructionTuning(new VisualPredictiveInstructionTuningTrainer.Options
        {
            PretrainedFolder = pretrainedFolder,
            OutputColumnName = outputColumnName,
            PromptColumnName = promptColumnName,
            ResponseColumnName = responseColumnName,
            VisualTokensColumnName = visualTokensColumnName,
            ResponseVisualTokensColumnName = responseVisualTokensColumnName,
            OutputVisualTokensColumnName = outputVisualTokensColumnName,
            Training = new VisualPredictiveTrainingOptions { Epochs = epochs, BatchSize = batchSize, LearningRate = learningRate },
        });

    /// <summary>Visual-Predictive Instruction Tuning (arXiv 2412.14164), from a pretrained folder or from nothing.</summary>
    /// <param name="options">Columns, start, training and generation.</param>
    /// <returns>The trainer.</returns>
    public VisualPredictiveInstructionTuningTrainer VisualPredictiveInstructionTuning(VisualPredictiveInstructionTuningTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new VisualPredictiveInstructionTuningTrainer(_environment, options);
    }

    /// <summary>Trains an image encoder on pictures with captions, from nothing.</summary>
    /// <param name="outputColumnName">The column of visual tokens that is appended.</param>
    /// <param name="imageColumnName">The column of pictures: one a row.</param>
    /// <param name="captionColumnName">The column of captions: text.</param>
    /// <param name="training">Sizes, losses, batch size and learning rate; null for the defaults.</param>
    /// <returns>The trainer.</returns>
    public LanguageImagePretrainingTrainer LanguageImagePretraining(
        string outputColumnName = DefaultColumnNames.VisualTokens,
        string imageColumnName = DefaultColumnNames.Image,
        string captionColumnName = DefaultColumnNames.Caption,
        LanguageImagePretrainingOptions? training = null)
        => LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            OutputColumnName = outputColumnName,
            ImageColumnName = imageColumnName,
            CaptionColumnName = captionColumnName,
            Training = training ?? new LanguageImagePretrainingOptions(),
        });

    /// <summary>Trains an image encoder on pictures with captions, from nothing or from a published SigLIP.</summary>
    /// <param name="options">Columns, start and training.</param>
    /// <returns>The trainer.</returns>
    public LanguageImagePretrainingTrainer LanguageImagePretraining(LanguageImagePretrainingTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new LanguageImagePretrainingTrainer(_environment, options);
    }

    /// <summary>Trains a visualizer, which draws pictures from visual tokens, from nothing.</summary>
    /// <param name="outputColumnName">The column of pictures that the trained transformer appends.</param>
    /// <param name="imageColumnName">The column of pictures.</param>
    /// <param name="visualTokensColumnName">The column of their visual tokens.</param>
    /// <param name="architecture">Sizes; null for the defaults.</param>
    /// <param name="training">Batch size, learning rate and all else; null for the defaults.</param>
    /// <returns>The trainer.</returns>
    public VisualizerTrainer Visualizer(
        string outputColumnName = DefaultColumnNames.Picture,
        string imageColumnName = DefaultColumnNames.Image,
        string visualTokensColumnName = DefaultColumnNames.VisualTokens,
        VisualizerArchitecture? architecture = null,
        VisualizerTrainingOptions? training = null)
        => Visualizer(new VisualizerTrainer.Options
        {
            OutputColumnName = outputColumnName,
            ImageColumnNames = [imageColumnName],
            VisualTokensColumnName = visualTokensColumnName,
            Architecture = architecture ?? new VisualizerArchitecture(),
            Training = training ?? VisualizerTrainingOptions.FromNothing,
        });

    /// <summary>Trains a visualizer from nothing, from a published one, or from a Stable Diffusion.</summary>
    /// <param name="options">Columns, start and training.</param>
    /// <returns>The trainer.</returns>
    public VisualizerTrainer Visualizer(VisualizerTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new VisualizerTrainer(_environment, options);
    }

    /// <summary>Trains a picture autoencoder, in whose latents a visualizer can denoise, from nothing.</summary>
    /// <param name="outputColumnName">The column of pictures that the trained transformer appends: what the autoencoder gives back.</param>
    /// <param name="imageColumnName">The column of pictures.</param>
    /// <param name="architecture">Sizes; null for the defaults.</param>
    /// <param name="training">Losses, batch size, learning rate and all else; null for the defaults.</param>
    /// <returns>The trainer.</returns>
    public AutoencoderTrainer Autoencoder(
        string outputColumnName = "Reconstruction",
        string imageColumnName = DefaultColumnNames.Image,
        AutoencoderArchitecture? architecture = null,
        AutoencoderTrainingOptions? training = null)
        => Autoencoder(new AutoencoderTrainer.Options
        {
            OutputColumnName = outputColumnName,
            ImageColumnName = imageColumnName,
            Architecture = architecture ?? new AutoencoderArchitecture(),
            Training = training ?? new AutoencoderTrainingOptions(),
        });

    /// <summary>Trains a picture autoencoder from nothing, or from a published one.</summary>
    /// <param name="options">Column, start and training.</param>
    /// <returns>The trainer.</returns>
    public AutoencoderTrainer Autoencoder(AutoencoderTrainer.Options options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new AutoencoderTrainer(_environment, options);
    }
}
