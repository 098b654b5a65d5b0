namespace Microsoft.ML.MetaMorph;

/// <summary>Which frames of a video are taken.</summary>
public sealed class VideoFrameOptions
{
    /// <summary>Frames for each second of the video: above 0 to 1,000; 1 by default, as in the paper.</summary>
    public double FramesPerSecond { get; set; } = 1;

    /// <summary>The most frames of a video: 1 to 1,024; 32 by default. A longer video gives so many, spread over all of it, and <see cref="Log"/> is told.</summary>
    public int MaximumFrames { get; set; } = 32;

    /// <summary>The folder that holds <c>ffmpeg</c> and <c>ffprobe</c>; null for the <c>PATH</c>.</summary>
    public string? BinaryFolder { get; set; }

    /// <summary>Told where a video has more frames than are taken.</summary>
    public Action<string>? Log { get; set; }

    /// <summary>As they are now: they may be changed and used for something else.</summary>
    internal VideoFrameOptions Copy(Action<string>? log = null) => new() { FramesPerSecond = FramesPerSecond, MaximumFrames = MaximumFrames, BinaryFolder = BinaryFolder, Log = log ?? Log };

    internal void Validate()
    {
        if (!(FramesPerSecond > 0 && FramesPerSecond <= 1000)) throw new ArgumentOutOfRangeException(nameof(FramesPerSecond), FramesPerSecond, $"{nameof(FramesPerSecond)} must be above 0 and at most 1000.");
        if (MaximumFrames is < 1 or > 1024) throw new ArgumentOutOfRangeException(nameof(MaximumFrames), MaximumFrames, $"{nameof(MaximumFrames)} must be 1 to 1024.");
    }
}
