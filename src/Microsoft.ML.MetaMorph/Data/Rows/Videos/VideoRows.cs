using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Makes a row of a video and what is said of it.</summary>
internal sealed class VideoRows
{
    private const string Conversations = "conversations", Messages = "messages", Question = "question", Answer = "answer";

    private static readonly string[] VideoKeys = ["video", "file_name"];

    private readonly Func<string, IReadOnlyList<RowImage>> _frames;
    private readonly string _textField;
    private readonly string[] _describe;
    private readonly FrameRows? _tasks;

    public VideoRows(Func<string, IReadOnlyList<RowImage>> frames, VideoFileOptions options)
    {
        _frames = frames;
        _textField = options.TextField;
        _describe = [.. options.DescribePrompts];
        _tasks = options.FrameTasks is { } tasks ? new FrameRows(tasks) : null;
    }

    /// <summary>Whether rows are made of frames alone, without any text.</summary>
    public bool AreOfFrames => _tasks is not null;

    /// <summary>The path of the video that a row of a list names.</summary>
    /// <exception cref="InvalidDataException">It names none, or several.</exception>
    public static string VideoOf(JsonElement row)
    {
        string[] keys = [.. VideoKeys.Where(key => row.TryGetProperty(key, out _))];
        if (keys.Length == 1) return JsonRow.RequiredText(row, keys[0]);
        throw new InvalidDataException(keys.Length == 0 ? $"the row has neither 'video' nor 'file_name'; it has {JsonRow.Keys(row)}." : "the row has both 'video' and 'file_name'; leave one.");
    }

    public InstructionRow OfFrames(string file, long number) => _tasks!.Make(Frames(file), number);

    public InstructionRow OfCaption(string file, long number, string caption)
    {
        if (string.IsNullOrWhiteSpace(caption)) throw new InvalidDataException("the caption is empty, so there is nothing to learn. Write it, or take the row out.");
        if (VideoMarks.Count(caption) + ImageMarks.Count(caption) > 0) throw new InvalidDataException($"the caption holds a {VideoFileOptions.VideoMark} or {ImageMarks.Image} mark, and there is no further picture for it. Take it out.");
        return Asked(file, _describe[number % _describe.Length], caption, "VideoToText");
    }

    public InstructionRow OfJson(string file, long number, JsonElement row)
    {
        bool llava = row.TryGetProperty(Conversations, out JsonElement messages);
        if (llava || row.TryGetProperty(Messages, out messages)) return OfMessages(file, row, messages);
        if (row.TryGetProperty(Question, out _)) return Asked(file, JsonRow.RequiredText(row, Question), JsonRow.RequiredText(row, Answer), kind: null);
        if (row.TryGetProperty(_textField, out JsonElement text)) return OfCaption(file, number, JsonRow.Text(text, _textField));
        throw new InvalidDataException($"the row has neither '{Conversations}', '{Messages}' nor '{Question}' and '{Answer}' nor '{_textField}'; it has {JsonRow.Keys(row)}.");
    }

    private InstructionRow OfMessages(string file, JsonElement row, JsonElement messages)
    {
        IReadOnlyList<RowImage> frames = Frames(file);
        using JsonDocument expanded = VideoMarks.Expand(row, messages, frames.Count);
        return ConversationJson.Read(expanded.RootElement, path => throw new InvalidDataException($"the row names the picture '{path}' beside its video, and only frames of the video can stand in it. Take it out."), frames);
    }

    private InstructionRow Asked(string file, string question, string answer, string? kind)
    {
        IReadOnlyList<RowImage> frames = Frames(file);
        return new InstructionRow([VideoMarks.Expand(question, frames.Count)], [answer], frames) { Kind = kind };
    }

    private IReadOnlyList<RowImage> Frames(string file)
    {
        IReadOnlyList<RowImage> frames = _frames(file);
        return frames.Count > 0 ? frames : throw new InvalidDataException($"the video '{file}' has no frame. Take it out.");
    }
}
