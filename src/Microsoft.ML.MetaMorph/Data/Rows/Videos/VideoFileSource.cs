using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Video files and what is said of them: a list (JSON Lines) whose rows name videos, or a folder of videos, or one video, with its text beside it in a
/// file of the same name that ends in <c>.txt</c>, <c>.caption</c> or <c>.json</c>. A folder with <c>metadata.jsonl</c> is read by that list.
/// </summary>
internal sealed class VideoFileSource : RowSource
{
    private const string Metadata = "metadata.jsonl";

    private static readonly HashSet<string> Videos = new([".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".wmv", ".flv", ".ogv"], StringComparer.OrdinalIgnoreCase);

    private static readonly string[] TextEndings = [".txt", ".caption", ".json"];

    private readonly string _path;
    private readonly string? _list;
    private readonly string? _video;
    private readonly ImageFolder _folder;
    private readonly VideoRows _rows;
    private readonly int _maximumBytes;

    /// <exception cref="FileNotFoundException">There is nothing at the path.</exception>
    /// <exception cref="DirectoryNotFoundException">The folder of videos is not there.</exception>
    public VideoFileSource(string path, Func<string, IReadOnlyList<RowImage>> frames, VideoFileOptions options)
    {
        bool isFolder = Directory.Exists(path);
        if (path.Contains("://", StringComparison.Ordinal)) throw new ArgumentException($"'{path}' is an address, and nothing is ever fetched. Download it first.", nameof(path));
        if (!isFolder && !File.Exists(path)) throw new FileNotFoundException($"{path}: there is no such video, list or folder of videos (looked in {Path.GetFullPath(path)}).", path);
        _rows = new VideoRows(frames, options);
        _maximumBytes = options.MaximumRowBytes;
        if (!isFolder && Path.GetExtension(path).Equals(".jsonl", StringComparison.OrdinalIgnoreCase)) _list = path;
        else if (!isFolder) _video = Path.GetFileName(path);
        else if (!_rows.AreOfFrames && File.Exists(Path.Combine(path, Metadata))) _list = Path.Combine(path, Metadata);
        _path = isFolder ? path : Path.GetDirectoryName(path)!;
        string folder = isFolder ? path : SourceFiles.FolderOf(path);
        _folder = new ImageFolder(_list is not null && options.VideoFolder is { } other ? other : folder);
    }

    public override IEnumerable<RowReading> Read()
    {
        if (_list is not null) return ReadList(_list);
        return _video is not null ? [Reading("", _video, 0, () => Names(""))] : ReadFolder("", new Counter());
    }

    private IEnumerable<RowReading> ReadList(string file)
    {
        using FileStream stream = SourceFiles.Open(file);
        long number = 0;
        foreach (JsonRecord record in JsonLinesRows.Read(new ByteFeed(stream), _maximumBytes))
        {
            long video = number++;
            yield return RowReading.Make(new RowPlace(file, record.Line), () => OfList(record, video));
        }
    }

    private InstructionRow OfList(JsonRecord record, long number)
    {
        using JsonDocument document = JsonRow.Parse(record);
        string video = _folder.FileAt(VideoRows.VideoOf(document.RootElement), "video");
        return _rows.AreOfFrames ? _rows.OfFrames(video, number) : _rows.OfJson(video, number, document.RootElement);
    }

    /// <summary>One folder, then those inside it; names of one folder at a time are in memory.</summary>
    /// <param name="relative">The folder's path from the beginning on; empty, or with a slash at its end.</param>
    /// <param name="counter">Numbers the videos.</param>
    private IEnumerable<RowReading> ReadFolder(string relative, Counter counter)
    {
        HashSet<string> present = Names(relative);
        string[] names = [.. present.Order(StringComparer.Ordinal)], videos = [.. names.Where(IsVideo)];
        foreach (string name in videos) yield return Reading(relative, name, counter.Next++, () => present);
        var described = videos.Select(Path.GetFileNameWithoutExtension).ToHashSet(StringComparer.Ordinal);
        foreach (string name in names.Where(name => !_rows.AreOfFrames && TextEndings.Contains(Path.GetExtension(name), StringComparer.Ordinal) && !described.Contains(Path.GetFileNameWithoutExtension(name))))
            yield return RowReading.Failed(Place(relative + name), "this text has no video of the same name beside it. Put the video there, or take the text out.");
        foreach (string name in Directory.EnumerateDirectories(Path.Combine(_path, relative)).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal))
        {
            // A link may lead out of the folder, or back into one that it lies in.
            if (new DirectoryInfo(Path.Combine(_path, relative, name)).LinkTarget is not null)
                yield return RowReading.Failed(Place(relative + name), "this folder is a symbolic link, which is not followed. Move the folder here, or read it as a source of its own.");
            else foreach (RowReading reading in ReadFolder($"{relative}{name}/", counter)) yield return reading;
        }
    }

    private RowReading Reading(string relative, string name, long number, Func<HashSet<string>> present) => RowReading.Make(Place(relative + name), () =>
    {
        string video = _folder.FileAt(relative + name, "video");
        if (_rows.AreOfFrames) return _rows.OfFrames(video, number);
        string text = TextBeside(Path.GetFileNameWithoutExtension(name), present());
        byte[] bytes = ReadText(relative + text, text);
        if (Path.GetExtension(text) != ".json") return _rows.OfCaption(video, number, SourceText.Decode(bytes, $"the caption file '{text}'").Trim());
        using JsonDocument document = JsonRow.Parse(new JsonRecord(1, bytes));
        return _rows.OfJson(video, number, document.RootElement);
    });

    private static string TextBeside(string stem, HashSet<string> present)
    {
        string[] found = [.. TextEndings.Select(ending => stem + ending).Where(present.Contains)];
        if (found.Length == 1) return found[0];
        throw new InvalidDataException(found.Length == 0
            ? $"the video has no text: neither '{stem}.txt', '{stem}.caption' nor '{stem}.json' lies beside it, and the folder has no {Metadata}. Write one of them, or set {nameof(VideoFileOptions)}.{nameof(VideoFileOptions.FrameTasks)}."
            : $"the video has several texts, {string.Join(", ", found.Select(name => $"'{name}'"))}. Leave one.");
    }

    private byte[] ReadText(string relative, string name)
    {
        string path = _folder.FileAt(relative, "text file");
        long length = new FileInfo(path).Length;
        if (length > _maximumBytes) throw new InvalidDataException($"the file '{name}' has {length} bytes, more than {nameof(VideoFileOptions.MaximumRowBytes)} = {_maximumBytes}. Raise it, or shorten the text.");
        return File.ReadAllBytes(path);
    }

    private HashSet<string> Names(string relative) => Directory.EnumerateFiles(Path.Combine(_folder.Path, relative)).Select(file => Path.GetFileName(file)!).ToHashSet(StringComparer.Ordinal);

    // The file itself is the place.
    private RowPlace Place(string relative) => new(Path.Combine(_path, relative), 0);

    private static bool IsVideo(string name) => Videos.Contains(Path.GetExtension(name));

    private sealed class Counter
    {
        public long Next { get; set; }
    }
}
