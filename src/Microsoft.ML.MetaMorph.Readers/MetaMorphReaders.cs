namespace Microsoft.ML.MetaMorph;

/// <summary>Sources of rows that need other libraries, beside those of <see cref="MetaMorphData"/>.</summary>
public static class MetaMorphReaders
{
    /// <summary>The rows of Parquet files; see <see cref="ParquetRowSource"/>.</summary>
    /// <param name="data">The sources of rows.</param>
    /// <param name="files">The files, read one after another.</param>
    /// <param name="options">Columns and bounds; null for the defaults.</param>
    /// <returns>The rows; their pictures are bytes (<see cref="RowImageForm.Bytes"/>).</returns>
    /// <exception cref="ArgumentException">There is no file, one is an address or a folder, or an option cannot be.</exception>
    /// <exception cref="FileNotFoundException">A file is not there.</exception>
    /// <exception cref="DirectoryNotFoundException">The picture folder is not there.</exception>
    public static RowSource Parquet(this MetaMorphData data, IReadOnlyList<string> files, ParquetRowOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        return new ParquetRowSource(files, options);
    }

    /// <summary>
    /// Video files with captions, questions or conversations, read by ffmpeg: a list (<c>.jsonl</c>) whose rows name videos, a folder of videos, or one video, with
    /// its text beside it; see <see cref="MetaMorphData.VideoFiles"/>. A video that has more frames than are taken is told to the log.
    /// </summary>
    /// <param name="data">The sources of rows.</param>
    /// <param name="path">The list, the folder or the video.</param>
    /// <param name="frames">Which frames are taken, one a second by default; null for the defaults.</param>
    /// <param name="rows">Fields, prompts, tasks; null for the defaults.</param>
    /// <returns>The rows; their pictures are bytes, up to <see cref="VideoFrameOptions.MaximumFrames"/> a row: set <see cref="RowViewOptions.MaximumImages"/>.</returns>
    /// <exception cref="FileNotFoundException">There is nothing at the path, or ffmpeg or ffprobe is not there.</exception>
    /// <exception cref="ArgumentException">An option cannot be.</exception>
    public static RowSource Videos(this MetaMorphData data, string path, VideoFrameOptions? frames = null, VideoFileOptions? rows = null)
    {
        ArgumentNullException.ThrowIfNull(data);
        VideoFrameOptions taken = (frames ?? new VideoFrameOptions()).Copy();
        taken.Validate();
        FfmpegTools.Require(taken.BinaryFolder);
        return data.VideoFiles(path, (file, log) => VideoFrames.Read(file, taken.Log is null ? taken.Copy(log) : taken), rows);
    }
}
