using System.Collections.Concurrent;
using Microsoft.ML.Runtime;

namespace Microsoft.ML.MetaMorph;

/// <summary>Rows of training data out of files: sources of rows, and what they are read as.</summary>
public sealed class MetaMorphData
{
    private readonly IHostEnvironment _environment;

    internal MetaMorphData(IHostEnvironment environment)
    {
        _environment = environment;
    }

    /// <summary>Conversation files as a data view, with the columns <c>Prompt</c>, <c>Response</c> and <c>Image</c> (paths).</summary>
    /// <param name="file">A JSON Lines file or a JSON array, in LLaVA's form (<c>conversations</c>) or Hugging Face's (<c>messages</c>).</param>
    /// <param name="imageFolder">The folder in which paths of pictures begin, and out of which none may lead; null for the folder of the file.</param>
    /// <param name="options">Columns, shuffling, what becomes of bad rows; null for the defaults.</param>
    /// <returns>The rows. Each pass reads the file anew, and no more of it than is asked for.</returns>
    /// <exception cref="FileNotFoundException">The file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public IDataView LoadConversations(string file, string? imageFolder = null, RowViewOptions? options = null)
        => Load(Conversations([file], new ConversationFileOptions { ImageFolder = imageFolder }), options);

    /// <summary>A source of rows as a data view.</summary>
    /// <remarks>
    /// The view is lazy, can be read as often as one likes, and holds one row in memory, or <see cref="RowViewOptions.ShuffleBuffer"/> rows where it is
    /// shuffled. A row that cannot be used ends the reading with an <see cref="InvalidDataException"/> that names file, place, reason and what to do,
    /// or is skipped, logged and listed (<see cref="RowViewOptions.SkipBadRows"/>).
    /// </remarks>
    /// <param name="source">The rows.</param>
    /// <param name="options">Columns, shuffling, what becomes of bad rows; null for the defaults.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="ArgumentException">An option is out of range, or pictures that are no files are asked for as paths.</exception>
    public IDataView Load(RowSource source, RowViewOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(source);
        RowViewSettings settings = RowViewSettings.Of(options ?? new RowViewOptions(), source, MLNetInternals.Settings(_environment).Seed);
        return new RowDataView(_environment, source, settings);
    }

    /// <summary>The rows of conversation files: JSON Lines or JSON arrays, in LLaVA's form (<c>conversations</c>) or Hugging Face's (<c>messages</c>).</summary>
    /// <param name="files">The files, read one after another.</param>
    /// <param name="options">Picture folder and bounds; null for the defaults.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public RowSource Conversations(IReadOnlyList<string> files, ConversationFileOptions? options = null)
    {
        options ??= new ConversationFileOptions();
        options.Validate();
        return new ConversationFileSource(files, options);
    }

    /// <summary>Pictures and captions out of tables (CSV, TSV; RFC 4180).</summary>
    /// <param name="files">The files, read one after another.</param>
    /// <param name="options">Fields, separator, picture folder, what rows are made; null for the defaults.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public RowSource CaptionTable(IReadOnlyList<string> files, TableFileOptions? options = null)
    {
        options ??= new TableFileOptions();
        options.Validate();
        return new TableFileSource(files, options);
    }

    /// <summary>
    /// A folder of pictures with captions: by <c>metadata.jsonl</c> (<c>file_name</c> and a text) where there is one, else by files of the same name that end
    /// in <c>.txt</c> or <c>.caption</c>. Folders inside are read too.
    /// </summary>
    /// <param name="folder">The folder, out of which no path may lead.</param>
    /// <param name="options">Field, bounds, what rows are made; null for the defaults.</param>
    /// <returns>The rows.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public RowSource CaptionFolder(string folder, CaptionFolderOptions? options = null)
    {
        options ??= new CaptionFolderOptions();
        options.Validate();
        return new CaptionFolderSource(folder, options);
    }

    /// <summary>
    /// WebDataset shards: tar files whose members belong together by key (the name up to the first dot): a picture with a caption (<c>.txt</c>, or a field of
    /// <c>.json</c>), or pictures with a conversation (<c>.json</c>). Pictures stay in the shard until they are asked for.
    /// </summary>
    /// <param name="files">The tar files, read one after another; not compressed.</param>
    /// <param name="options">Field, bounds, what rows are made; null for the defaults.</param>
    /// <returns>The rows; their pictures are bytes (<see cref="RowImageForm.Bytes"/>).</returns>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    public RowSource WebDataset(IReadOnlyList<string> files, ShardOptions? options = null)
    {
        options ??= new ShardOptions();
        options.Validate();
        return new ShardSource(files, options);
    }

    /// <summary>Videos as folders of frames: rows that ask for the next, the previous or a missing frame, or for the right order.</summary>
    /// <param name="folder">The folder that holds one folder for each video. Frames are ordered by the length of their names, then by the names (<c>2.png</c> before <c>10.png</c>).</param>
    /// <param name="options">Tasks, frames, seed; null for the defaults.</param>
    /// <returns>The rows, one a video.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public RowSource FrameFolders(string folder, FrameFolderOptions? options = null)
    {
        options ??= new FrameFolderOptions();
        options.Validate();
        return new FrameFolderSource(folder, options);
    }

    /// <summary>
    /// Video files with captions, questions or conversations: a list (<c>.jsonl</c>) whose rows name videos (<c>video</c> or <c>file_name</c>), a folder of videos,
    /// or one video, with its text beside it (<c>.txt</c>, <c>.caption</c>, <c>.json</c>). The package Microsoft.ML.MetaMorph.Readers has a reader of frames, by ffmpeg.
    /// </summary>
    /// <remarks>A row in JSON holds <c>conversations</c> or <c>messages</c>, <c>question</c> and <c>answer</c>, or a caption; <c>&lt;video&gt;</c> stands where the frames are shown.</remarks>
    /// <param name="path">The list, the folder or the video. No path in a list may lead out of its folder.</param>
    /// <param name="frames">Gives the frames of a video file, in order, as the pictures of its row; an <see cref="InvalidDataException"/> is a problem of that row. What it tells its second argument goes to the log, once.</param>
    /// <param name="options">Fields, prompts, tasks; null for the defaults.</param>
    /// <returns>The rows. As bytes, a row has as many pictures as frames: see <see cref="RowViewOptions.MaximumImages"/>.</returns>
    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder of videos is not there.</exception>
    public RowSource VideoFiles(string path, Func<string, Action<string>, IReadOnlyList<RowImage>> frames, VideoFileOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(frames);
        options ??= new VideoFileOptions();
        options.Validate();
        var told = new ConcurrentDictionary<string, bool>(StringComparer.Ordinal);
        return new VideoFileSource(path, file => frames(file, Tell), options);

        void Tell(string message)
        {
            if (!told.TryAdd(message, true)) return;
            using IChannel channel = _environment.Start("ReadVideos");
            channel.Warning(MessageSensitivity.None, message);
        }
    }

    /// <summary>Visual thinking out of boxes: JSON Lines of <c>image</c>, <c>question</c>, <c>answer</c> and <c>box</c> ([left, top, width, height]); the answer shows the region first.</summary>
    /// <param name="files">The files, read one after another.</param>
    /// <param name="options">Picture folder, unit of boxes; null for the defaults.</param>
    /// <returns>The rows; their pictures are bytes (<see cref="RowImageForm.Bytes"/>), two a row.</returns>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public RowSource VisualThinking(IReadOnlyList<string> files, BoxFileOptions? options = null)
    {
        options ??= new BoxFileOptions();
        options.Validate();
        return new BoxFileSource(files, options);
    }

    /// <summary>Several sources as one, whose rows are drawn by weight. Every pass is the same, so a run goes on in place with <c>mlContext.Data.SkipRows</c>.</summary>
    /// <param name="parts">The sources, their weights and limits.</param>
    /// <param name="seed">Of the draws; null for that of the <see cref="MLContext"/>, or 0 where it has none.</param>
    /// <returns>The rows. They end when all parts have ended.</returns>
    /// <exception cref="ArgumentException">There is no part, or a weight or limit is out of range.</exception>
    public RowSource Mixture(IReadOnlyList<RowMixturePart> parts, int? seed = null)
    {
        ArgumentNullException.ThrowIfNull(parts);
        return new MixtureSource(parts, seed ?? MLNetInternals.Settings(_environment).Seed ?? 0);
    }

    /// <summary>Reads all rows and tells what a training would stumble over; see <see cref="MetaMorphDataValidator"/>.</summary>
    /// <param name="source">The rows.</param>
    /// <param name="options">What is looked at; null for the defaults.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <returns>What was found; its first line goes to the log too.</returns>
    /// <exception cref="OperationCanceledException">It was cancelled.</exception>
    public DataReport Validate(RowSource source, DataValidationOptions? options = null, CancellationToken cancellationToken = default)
    {
        DataReport report = new MetaMorphDataValidator(options).Validate(source, cancellationToken);
        using IChannel channel = _environment.Start("ValidateRows");
        string message = FormattableString.Invariant($"{report.Rows} rows can be used, {report.Errors} cannot; {report.Warnings} warnings.");
        if (report.IsUsable) channel.Info(MessageSensitivity.None, message);
        else channel.Warning(MessageSensitivity.None, message);
        return report;
    }
}
