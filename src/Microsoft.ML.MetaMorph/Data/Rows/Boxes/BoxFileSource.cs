using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Visual thinking out of boxes: rows of <c>image</c>, <c>question</c>, <c>answer</c> and <c>box</c> ([left, top, width, height]); the answer shows the
/// region first, then says what is asked. Regions are cut out when they are asked for.
/// </summary>
internal sealed class BoxFileSource : RowSource
{
    private readonly IReadOnlyList<string> _files;
    private readonly Dictionary<string, ImageFolder> _folders = [];
    private readonly BoxUnit _unit;
    private readonly int _maximumRowBytes;

    public BoxFileSource(IReadOnlyList<string> files, BoxFileOptions options)
    {
        _files = SourceFiles.Require(files);
        foreach (string file in _files) _folders[file] = new ImageFolder(options.ImageFolder ?? SourceFiles.FolderOf(file));
        _unit = options.Unit;
        _maximumRowBytes = options.MaximumRowBytes;
    }

    public override IEnumerable<RowReading> Read() => _files.SelectMany(file => Read(file));

    private IEnumerable<RowReading> Read(string file)
    {
        using FileStream stream = SourceFiles.Open(file);
        foreach (JsonRecord record in JsonLinesRows.Read(new ByteFeed(stream), _maximumRowBytes))
            yield return RowReading.Make(new RowPlace(file, record.Line), () => Row(record, _folders[file]));
    }

    private InstructionRow Row(JsonRecord record, ImageFolder folder)
    {
        using JsonDocument document = JsonRow.Parse(record);
        JsonElement row = document.RootElement;
        RowImage picture = folder.Image(JsonRow.RequiredText(row, "image"));
        string question = JsonRow.RequiredText(row, "question"), answer = JsonRow.RequiredText(row, "answer");
        if (string.IsNullOrWhiteSpace(answer)) throw new InvalidDataException("'answer' is empty, so there is nothing to learn. Write it, or take the row out.");
        PictureRegion region = Region(row);
        RowImage shown = RowImage.FromBytes($"the region of {picture.Name}", () => region.Crop(picture.ReadBytes(), picture.Name));
        return new InstructionRow([$"{ImageMarks.Image}\n{question}"], [$"{ImageMarks.Image}\n{answer}"], [picture, shown]) { Kind = "VisualThinking" };
    }

    private PictureRegion Region(JsonElement row)
    {
        if (!row.TryGetProperty("box", out JsonElement box)) throw new InvalidDataException($"the row has no 'box'; it has {JsonRow.Keys(row)}.");
        double[] sides = box.ValueKind == JsonValueKind.Array && box.EnumerateArray().All(side => side.ValueKind == JsonValueKind.Number) ? [.. box.EnumerateArray().Select(side => side.GetDouble())] : [];
        double most = _unit == BoxUnit.Fractions ? 1 : int.MaxValue;
        // The comparisons are false of what is not a number.
        bool fits = sides.Length == 4 && sides[0] >= 0 && sides[1] >= 0 && sides[2] > 0 && sides[3] > 0 && sides[0] + sides[2] <= most && sides[1] + sides[3] <= most;
        return fits
            ? new PictureRegion(sides[0], sides[1], sides[2], sides[3], _unit)
            : throw new InvalidDataException($"'box' is {box.GetRawText()}; [left, top, width, height] in {_unit} is needed, with width and height above 0{(_unit == BoxUnit.Fractions ? " and nothing beyond 1" : "")}.");
    }
}
