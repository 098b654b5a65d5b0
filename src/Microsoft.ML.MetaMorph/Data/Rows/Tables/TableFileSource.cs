namespace Microsoft.ML.MetaMorph;

/// <summary>Pictures and captions out of tables: CSV, TSV, or any other separator.</summary>
internal sealed class TableFileSource : RowSource
{
    private readonly IReadOnlyList<string> _files;
    private readonly Dictionary<string, ImageFolder> _folders = [];
    private readonly char? _separator;
    private readonly bool _hasHeader;
    private readonly string _imageField, _textField;
    private readonly int _maximumRowBytes;
    private readonly CaptionRows _captions;

    public TableFileSource(IReadOnlyList<string> files, TableFileOptions options)
    {
        _files = SourceFiles.Require(files);
        foreach (string file in _files) _folders[file] = new ImageFolder(options.ImageFolder ?? SourceFiles.FolderOf(file));
        _separator = options.Separator;
        _hasHeader = options.HasHeader;
        _imageField = options.ImageField;
        _textField = options.TextField;
        _maximumRowBytes = options.MaximumRowBytes;
        _captions = new CaptionRows(options.Captions);
    }

    public override bool ImagesAreFiles => true;

    public override IEnumerable<RowReading> Read() => _files.SelectMany(file => Read(file));

    private IEnumerable<RowReading> Read(string file)
    {
        using FileStream stream = SourceFiles.Open(file);
        char separator = _separator ?? (file.EndsWith(".tsv", StringComparison.OrdinalIgnoreCase) ? '\t' : ',');
        (int image, int text, int columns) = (0, 1, 2);
        bool first = true;
        long number = 0;
        foreach (DelimitedRecord record in new DelimitedRecords(new ByteFeed(stream), (byte)separator, _maximumRowBytes).Read())
        {
            if (first && _hasHeader) (image, text, columns) = Header(file, record);
            else foreach (RowReading reading in _captions.Make(new RowPlace(file, record.Line), number++, () => Pair(record, image, text, columns, _folders[file]))) yield return reading;
            first = false;
        }
    }

    /// <summary>The places of the two fields, and how many there are.</summary>
    /// <exception cref="InvalidDataException">The header is broken or lacks one of them, so that no row of the file can be read.</exception>
    private (int Image, int Text, int Columns) Header(string file, DelimitedRecord header)
    {
        if (header.Problem is { } problem) throw new InvalidDataException($"{new RowPlace(file, header.Line)}: {problem}");
        int Find(string name, string option)
        {
            int[] places = [.. Enumerable.Range(0, header.Fields.Count).Where(i => header.Fields[i] == name)];
            if (places.Length == 1) return places[0];
            string found = string.Join(", ", header.Fields.Select(field => $"'{field}'"));
            throw new InvalidDataException($"{new RowPlace(file, header.Line)}: the header has the field '{name}' {places.Length} times; it has {found}. Name the field in {nameof(TableFileOptions)}.{option}, or set {nameof(TableFileOptions.HasHeader)} to false where the first row is none.");
        }

        return (Find(_imageField, nameof(TableFileOptions.ImageField)), Find(_textField, nameof(TableFileOptions.TextField)), header.Fields.Count);
    }

    private static (RowImage Image, string Caption) Pair(DelimitedRecord record, int image, int text, int columns, ImageFolder folder)
    {
        if (record.Problem is { } problem) throw new InvalidDataException(problem);
        if (record.Fields.Count != columns) throw new InvalidDataException($"the row has {record.Fields.Count} fields where {columns} are needed. Put fields with separators or line breaks inside into quotes.");
        return (folder.Image(record.Fields[image]), record.Fields[text]);
    }
}
