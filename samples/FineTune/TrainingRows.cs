using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>The rows of a data file.</summary>
internal sealed class TrainingRows(MLContext ml, string data, string images)
{
    public TrainingRows(RunSettings settings)
        : this(settings.CreateContext(), settings.Data, settings.Images)
    {
    }

    /// <summary>What is read, row by row.</summary>
    public RowSource Source { get; } = ml.MetaMorph().Data.Conversations([data], new ConversationFileOptions { ImageFolder = images });

    /// <summary>All texts, without the marks of pictures.</summary>
    public IEnumerable<string> Texts => Read().SelectMany(row => row.Prompts.Concat(row.Responses)).Select(RowKinds.Words);

    /// <summary>The columns Prompt and Response (a text for each turn) and Image (paths), read anew in every epoch.</summary>
    public IDataView View => ml.MetaMorph().Data.Load(Source, new RowViewOptions { SystemMessages = SystemMessageUse.JoinPrompt });

    /// <summary>The rows one by one.</summary>
    /// <exception cref="InvalidDataException">One of them cannot be used.</exception>
    public IEnumerable<InstructionRow> Read()
        => Source.Read().Select(reading => reading.Row ?? throw new InvalidDataException($"{reading.Place}: {reading.Problem} ('validate' lists all such rows.)"));
}
