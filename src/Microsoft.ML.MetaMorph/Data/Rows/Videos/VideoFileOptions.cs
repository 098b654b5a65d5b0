namespace Microsoft.ML.MetaMorph;

/// <summary>How video files become rows.</summary>
public sealed class VideoFileOptions
{
    /// <summary>Where the frames of a video stand in a text: one <c>&lt;image&gt;</c> mark a frame takes its place.</summary>
    public const string VideoMark = "<video>";

    /// <summary>The folder in which paths of videos in a list begin, and out of which none may lead; null for the folder of the list.</summary>
    public string? VideoFolder { get; set; }

    /// <summary>What holds the caption in a list, beside <c>video</c> or <c>file_name</c>.</summary>
    public string TextField { get; set; } = "text";

    /// <summary>Prompts for captions, taken in turn; each holds <see cref="VideoMark"/> once.</summary>
    public IReadOnlyList<string> DescribePrompts { get; set; } = [VideoMark + "\nDescribe the video."];

    /// <summary>Rows that ask for frames (the next, the previous, a missing one, the right order) instead of rows of captions and questions; null (default) for the latter.</summary>
    public FrameFolderOptions? FrameTasks { get; set; }

    /// <summary>The longest row of a list and the longest text beside a video, in bytes: 1 to 1,073,741,824 (1 GiB).</summary>
    public int MaximumRowBytes { get; set; } = 1 << 20;

    internal void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(TextField);
        if (MaximumRowBytes is < 1 or > 1 << 30) throw new ArgumentOutOfRangeException(nameof(MaximumRowBytes), MaximumRowBytes, $"{nameof(MaximumRowBytes)} is {MaximumRowBytes}; 1 to {1 << 30} are possible.");
        if (DescribePrompts.Count == 0) throw new ArgumentException($"{nameof(DescribePrompts)} is empty; give at least one text.", nameof(DescribePrompts));
        foreach (string prompt in DescribePrompts)
        {
            int marks = VideoMarks.Count(prompt);
            if (marks != 1) throw new ArgumentException($"{nameof(DescribePrompts)}: the text \"{prompt}\" holds {VideoMark} {marks} times; once is needed.", nameof(DescribePrompts));
        }

        FrameTasks?.Validate();
    }
}
