namespace FineTune;

/// <summary>A folder that is there whole or not at all: it is written beside its place and renamed into it.</summary>
internal static class WholeFolder
{
    /// <summary>Makes the folder unless it is there, which is then whole.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="save">Writes its files into the folder that it is told.</param>
    public static void Make(string path, Action<string> save)
    {
        if (Directory.Exists(path)) return;
        string temporary = path + ".writing";
        if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);     // of a run that was killed
        save(temporary);
        foreach (string file in Directory.EnumerateFiles(temporary, "*", SearchOption.AllDirectories)) BringToDisk(file);
        Directory.Move(temporary, path);
    }

    // Else a power cut could leave the name without the content.
    private static void BringToDisk(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.ReadWrite);
        stream.Flush(flushToDisk: true);
    }
}
