namespace Microsoft.ML.MetaMorph;

/// <summary>Videos as folders of frames: each folder with pictures inside the given one is a video.</summary>
internal sealed class FrameFolderSource : RowSource
{
    private readonly string _path;
    private readonly ImageFolder _folder;
    private readonly FrameRows _rows;

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public FrameFolderSource(string folder, FrameFolderOptions options)
    {
        _folder = new ImageFolder(folder);
        _path = folder;
        _rows = new FrameRows(options);
    }

    public override bool ImagesAreFiles => true;

    public override IEnumerable<RowReading> Read()
    {
        long number = 0;
        foreach (string name in Directory.EnumerateDirectories(_path).Select(folder => Path.GetFileName(folder)!).Order(StringComparer.Ordinal))
        {
            long video = number++;
            yield return RowReading.Make(new RowPlace(Path.Combine(_path, name), 0), () => _rows.Make(Frames(name), video));
        }
    }

    /// <summary>The frames by the numbers in their names: of names that differ in their numbers alone, shorter ones stand first.</summary>
    private RowImage[] Frames(string video)
        => [.. Directory.EnumerateFiles(Path.Combine(_path, video)).Select(file => Path.GetFileName(file)!).Where(PictureEndings.Has).OrderBy(name => name.Length).ThenBy(name => name, StringComparer.Ordinal).Select(name => _folder.Image($"{video}/{name}"))];
}
