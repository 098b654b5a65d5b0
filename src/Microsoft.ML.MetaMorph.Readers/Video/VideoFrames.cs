using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using FFMpegCore;
using FFMpegCore.Exceptions;
using FFMpegCore.Pipes;

namespace Microsoft.ML.MetaMorph;

/// <summary>Frames of video files as pictures of a row. The files are read by ffmpeg, which has to be installed.</summary>
public static partial class VideoFrames
{
    // A playlist must not lead ffmpeg to other machines.
    private const string FilesOnly = "-protocol_whitelist file,pipe,crypto,data";

    /// <summary>The frames of a video, in order. Only its length is read now; a frame is decoded when its bytes are asked for.</summary>
    /// <param name="file">The video.</param>
    /// <param name="options">Which frames; null for the defaults.</param>
    /// <returns>The frames, as PNG pictures.</returns>
    /// <exception cref="FileNotFoundException">The video, ffmpeg or ffprobe is not there.</exception>
    /// <exception cref="InvalidDataException">The file is no video that ffmpeg can read.</exception>
    public static IReadOnlyList<RowImage> Read(string file, VideoFrameOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(file);
        options ??= new VideoFrameOptions();
        options.Validate();
        if (file.Contains("://", StringComparison.Ordinal)) throw new ArgumentException($"'{file}' is an address, and nothing is ever fetched. Download it first.", nameof(file));
        if (!File.Exists(file)) throw new FileNotFoundException($"{file}: there is no such video (looked in {Path.GetFullPath(file)}).", file);
        if (file.Contains('"')) throw new InvalidDataException($"the name of the video {file} holds a quotation mark, which cannot be handed to ffmpeg. Give it another name.");
        FfmpegTools.Require(options.BinaryFolder);
        double seconds = Seconds(file, options);
        double[] times = Times(seconds, options.FramesPerSecond, options.MaximumFrames, out int all);
        if (times.Length < all)
            options.Log?.Invoke(string.Create(CultureInfo.InvariantCulture, $"{file}: {times.Length} of {all} frames are taken ({seconds:0.##} seconds at {options.FramesPerSecond:0.###} a second), one every {seconds / times.Length:0.##} seconds; {nameof(VideoFrameOptions.MaximumFrames)} is {options.MaximumFrames}."));
        return [.. times.Select(time => RowImage.FromBytes(string.Create(CultureInfo.InvariantCulture, $"{file}, second {time:0.###}"), () => Frame(file, time, options.BinaryFolder)))];
    }

    /// <summary>When frames are taken: from the beginning on, at a steady pace, and at a slower one where they would be too many.</summary>
    internal static double[] Times(double seconds, double framesPerSecond, int most, out int all)
    {
        // A video of exactly three seconds has frames at 0, 1 and 2; a frame at its very end does not exist.
        all = (int)Math.Clamp(Math.Ceiling((seconds * framesPerSecond) - 1e-6), 1, int.MaxValue);
        int taken = Math.Min(all, most);
        double step = taken == all ? 1 / framesPerSecond : seconds / taken;
        return [.. Enumerable.Range(0, taken).Select(i => i * step)];
    }

    private static double Seconds(string file, VideoFrameOptions options)
    {
        IMediaAnalysis found;
        try
        {
            found = FFProbe.Analyse(Path.GetFullPath(file), Tools(options.BinaryFolder), FilesOnly);
        }
        // Figures that a broken file claims are parsed without any check.
        catch (Exception refused) when (refused is FFMpegException or FFProbeException or FormatException or ArithmeticException or JsonException)
        {
            throw new InvalidDataException($"{file}: ffprobe cannot read it as a video: {Words(refused)}", refused);
        }
        if (found.PrimaryVideoStream is not { } video) throw new InvalidDataException($"{file}: there is no video in the file.");
        double seconds = (video.Duration > TimeSpan.Zero ? video.Duration : found.Duration).TotalSeconds;
        return seconds > 0 ? seconds : throw new InvalidDataException($"{file}: the length of the video is not known. Write it anew with ffmpeg -i.");
    }

    /// <summary>The frame that is shown at a time. The last of a video may be shown for long, and the sound may go on behind it: then it is looked for farther in front.</summary>
    private static byte[] Frame(string file, double time, string? folder)
    {
        for (double back = 0; ; back = Math.Max(0.5, back * 4))
        {
            byte[] png = FirstFrame(file, Math.Max(0, time - back), folder);
            if (png.Length > 0) return png;
            if (back >= time) throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{file}, second {time:0.###}: there is no frame."));
        }
    }

    /// <summary>The first frame at a time or behind it, as PNG; empty where there is none.</summary>
    private static byte[] FirstFrame(string file, double time, string? folder)
    {
        using var png = new MemoryStream();
        try
        {
            FFMpegArguments.FromFileInput(Path.GetFullPath(file), verifyExists: true, input => input.WithCustomArgument(FilesOnly).Seek(TimeSpan.FromSeconds(time)))
                .OutputToPipe(new StreamPipeSink(png), output => output.WithFrameOutputCount(1).WithVideoCodec("png").ForceFormat("image2pipe"))
                .ProcessSynchronously(throwOnError: true, Tools(folder));
        }
        catch (FFMpegException refused)
        {
            throw new InvalidDataException(string.Create(CultureInfo.InvariantCulture, $"{file}, second {time:0.###}: ffmpeg gives no frame: {Words(refused)}"), refused);
        }

        return png.ToArray();
    }

    // ffmpeg names its parts by their places in memory, which are others each time: the same trouble would be listed anew by each pass.
    private static string Words(Exception refused) => Address().Replace(refused.Message, "").Trim();

    [GeneratedRegex(" @ 0x[0-9a-fA-F]+", RegexOptions.CultureInvariant)]
    private static partial Regex Address();

    private static FFOptions Tools(string? folder) => new() { BinaryFolder = folder ?? "" };
}
