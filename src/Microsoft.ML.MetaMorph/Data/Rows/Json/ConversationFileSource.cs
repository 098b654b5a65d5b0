using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The rows of conversation files: JSON Lines, or one JSON array; which of them a file is, its first character tells.</summary>
internal sealed class ConversationFileSource : RowSource
{
    private readonly IReadOnlyList<string> _files;
    private readonly Dictionary<string, ImageFolder> _folders = [];
    private readonly int _maximumRowBytes;

    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public ConversationFileSource(IReadOnlyList<string> files, ConversationFileOptions options)
    {
        _files = SourceFiles.Require(files);
        _maximumRowBytes = options.MaximumRowBytes;
        foreach (string file in _files) _folders[file] = new ImageFolder(options.ImageFolder ?? SourceFiles.FolderOf(file));
    }

    public override bool ImagesAreFiles => true;

    public override IEnumerable<RowReading> Read() => _files.SelectMany(file => Read(file));

    /// <summary>The rows of one file; <paramref name="stream"/> is read as far as rows are asked for.</summary>
    internal static IEnumerable<RowReading> Read(Stream stream, string file, Func<string, RowImage> image, int maximumRowBytes)
    {
        var feed = new ByteFeed(stream);
        bool array = feed.PeekPastWhite() == '[';
        foreach (JsonRecord record in array ? JsonArrayRows.Read(feed, maximumRowBytes) : JsonLinesRows.Read(feed, maximumRowBytes))
        {
            yield return RowReading.Make(new RowPlace(file, record.Line), () =>
            {
                using JsonDocument document = JsonRow.Parse(record);
                return ConversationJson.Read(document.RootElement, image);
            });
        }
    }

    private IEnumerable<RowReading> Read(string file)
    {
        using FileStream stream = SourceFiles.Open(file);
        foreach (RowReading reading in Read(stream, file, _folders[file].Image, _maximumRowBytes)) yield return reading;
    }
}
