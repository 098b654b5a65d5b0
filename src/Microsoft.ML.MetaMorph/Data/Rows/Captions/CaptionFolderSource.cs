using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A folder of pictures with captions: by <c>metadata.jsonl</c> where there is one, as Hugging Face's imagefolder has it; else each picture's caption
/// lies beside it in a file of the same name that ends in <c>.txt</c> or <c>.caption</c>. Folders inside are read too, in the order of their names.
/// </summary>
internal sealed class CaptionFolderSource : RowSource
{
    private const string Metadata = "metadata.jsonl", FileName = "file_name";

    private static readonly string[] CaptionEndings = [".txt", ".caption"];

    private readonly string _path;
    private readonly ImageFolder _folder;
    private readonly string _textField;
    private readonly int _maximumBytes;
    private readonly CaptionRows _captions;

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public CaptionFolderSource(string folder, CaptionFolderOptions options)
    {
        _folder = new ImageFolder(folder);
        _path = folder;
        _textField = options.TextField;
        _maximumBytes = options.MaximumRowBytes;
        _captions = new CaptionRows(options.Captions);
    }

    public override bool ImagesAreFiles => true;

    public override IEnumerable<RowReading> Read()
    {
        string metadata = Path.Combine(_path, Metadata);
        return File.Exists(metadata) ? ReadMetadata(metadata) : ReadFolder("");
    }

    private IEnumerable<RowReading> ReadMetadata(string file)
    {
        using FileStream stream = SourceFiles.Open(file);
        long number = 0;
        foreach (JsonRecord record in JsonLinesRows.Read(new ByteFeed(stream), _maximumBytes))
        {
            foreach (RowReading reading in _captions.Make(new RowPlace(file, record.Line), number++, () => Pair(record))) yield return reading;
        }
    }

    private (RowImage Image, string Caption) Pair(JsonRecord record)
    {
        using JsonDocument document = JsonRow.Parse(record);
        return (_folder.Image(JsonRow.RequiredText(document.RootElement, FileName)), JsonRow.RequiredText(document.RootElement, _textField));
    }

    /// <summary>One folder, then those inside it; names of one folder at a time are in memory.</summary>
    /// <param name="relative">The folder's path from the beginning on; empty, or with a slash at its end.</param>
    private IEnumerable<RowReading> ReadFolder(string relative)
    {
        string path = Path.Combine(_path, relative);
        string[] names = [.. Directory.EnumerateFiles(path).Select(file => Path.GetFileName(file)!).Order(StringComparer.Ordinal)];
        var present = names.ToHashSet(StringComparer.Ordinal);
        var described = new HashSet<string>(StringComparer.Ordinal);
        long number = 0;
        foreach (string name in names.Where(IsPicture))
        {
            string stem = Path.GetFileNameWithoutExtension(name);
            described.Add(stem);
            foreach (RowReading reading in _captions.Make(Place(relative + name), number++, () => (_folder.Image(relative + name), ReadCaption(relative, stem, present)))) yield return reading;
        }

        foreach (string name in names.Where(name => IsCaption(name) && !described.Contains(Path.GetFileNameWithoutExtension(name))))
            yield return RowReading.Failed(Place(relative + name), "this caption has no picture of the same name beside it. Put the picture there, or take the caption out.");
        foreach (string name in Directory.EnumerateDirectories(path).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal))
        {
            // A link may lead out of the folder, or back into one that it lies in.
            if (new DirectoryInfo(Path.Combine(path, name)).LinkTarget is not null)
                yield return RowReading.Failed(Place(relative + name), "this folder is a symbolic link, which is not followed. Move the folder here, or read it as a source of its own.");
            else foreach (RowReading reading in ReadFolder($"{relative}{name}/")) yield return reading;
        }
    }

    private string ReadCaption(string relative, string stem, HashSet<string> present)
    {
        string[] found = [.. CaptionEndings.Select(ending => stem + ending).Where(present.Contains)];
        if (found.Length != 1)
            throw new InvalidDataException(found.Length == 0
                ? $"the picture has no caption: neither '{stem}.txt' nor '{stem}.caption' lies beside it, and the folder has no {Metadata}. Write one of them."
                : $"the picture has two captions, '{found[0]}' and '{found[1]}'. Leave one.");
        string path = _folder.FileAt(relative + found[0], "caption file");
        long length = new FileInfo(path).Length;
        if (length > _maximumBytes) throw new InvalidDataException($"the caption file '{found[0]}' has {length} bytes, more than {nameof(CaptionFolderOptions.MaximumRowBytes)} = {_maximumBytes}. Raise it, or shorten the caption.");
        return SourceText.Decode(File.ReadAllBytes(path), $"the caption file '{found[0]}'").Trim();
    }

    // The file itself is the place.
    private RowPlace Place(string relative) => new(Path.Combine(_path, relative), 0);

    private static bool IsPicture(string name) => PictureEndings.Has(name);

    private static bool IsCaption(string name) => CaptionEndings.Contains(Path.GetExtension(name), StringComparer.Ordinal);
}
