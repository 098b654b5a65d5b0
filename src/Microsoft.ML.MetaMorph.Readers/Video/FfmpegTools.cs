namespace Microsoft.ML.MetaMorph;

/// <summary>The programs that read videos; they are installed apart.</summary>
internal static class FfmpegTools
{
    /// <exception cref="FileNotFoundException">One of them is missing.</exception>
    public static void Require(string? folder, Func<string, string?>? variable = null)
    {
        foreach (string tool in new[] { "ffmpeg", "ffprobe" })
        {
            if (IsThere(tool, folder, variable ?? Environment.GetEnvironmentVariable)) continue;
            string where = folder is null ? "on the PATH" : $"in '{folder}'";
            throw new FileNotFoundException($"Videos are read by ffmpeg and ffprobe, and '{tool}' is not {where}. Install them (apt-get install ffmpeg, brew install ffmpeg, winget install ffmpeg), or name their folder with {nameof(VideoFrameOptions)}.{nameof(VideoFrameOptions.BinaryFolder)}.", tool);
        }
    }

    /// <summary>Whether videos can be read here.</summary>
    public static bool AreThere(string? folder = null) => IsThere("ffmpeg", folder, Environment.GetEnvironmentVariable) && IsThere("ffprobe", folder, Environment.GetEnvironmentVariable);

    private static bool IsThere(string tool, string? folder, Func<string, string?> variable)
    {
        string file = OperatingSystem.IsWindows() ? tool + ".exe" : tool;
        string[] folders = folder is null ? (variable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries) : [folder];
        return folders.Any(f => File.Exists(Path.Combine(f, file)));
    }
}
