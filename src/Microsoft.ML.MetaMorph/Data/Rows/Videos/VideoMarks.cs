using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The mark of a video in the texts of a row, in whose place the marks of its frames come.</summary>
internal static class VideoMarks
{
    private const string Type = "type", Video = "video";

    public static int Count(string text) => text.Split(VideoFileOptions.VideoMark).Length - 1;

    /// <summary>A text with one mark a frame in the place of the video's; where there is none, they stand in front.</summary>
    /// <exception cref="InvalidDataException">There are several.</exception>
    public static string Expand(string text, int frames) => Mark(Count(text), ImageMarks.Count(text)) is { } mark ? Expand(text, mark, frames) : $"{Marks(frames)}\n{text}";

    /// <summary>A row of messages, in which the video's mark must stand once: as <c>&lt;video&gt;</c>, as a part of the type <c>video</c>, or as a lone <c>&lt;image&gt;</c>, as LLaVA's sets of videos have it.</summary>
    /// <exception cref="InvalidDataException">It does not stand there once.</exception>
    public static JsonDocument Expand(JsonElement row, JsonElement messages, int frames)
    {
        int videos = 0, images = 0;
        Visit(messages, text => (videos, images) = (videos + Count(text), images + ImageMarks.Count(text)));
        string mark = Mark(videos, images) ?? throw new InvalidDataException($"no message holds a {VideoFileOptions.VideoMark} mark for the row's video. Put one where the video is shown.");
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) Copy(row, json, text => Expand(text, mark, frames));
        return JsonDocument.Parse(buffer.ToArray());
    }

    private static string Expand(string text, string mark, int frames) => text.Replace(mark, Marks(frames), StringComparison.Ordinal);

    private static string Marks(int frames) => string.Concat(Enumerable.Repeat(ImageMarks.Image, frames));

    /// <summary>What stands for the video; null where nothing does.</summary>
    private static string? Mark(int videos, int images) => (videos, images) switch
    {
        (1, 0) => VideoFileOptions.VideoMark,
        (0, 1) => ImageMarks.Image,
        (0, 0) => null,
        _ => throw new InvalidDataException($"the texts hold {videos} {VideoFileOptions.VideoMark} marks and {images} {ImageMarks.Image} marks, but the row has one video and no pictures. Leave one mark."),
    };

    private static bool IsVideo(JsonElement part)
        => part.ValueKind == JsonValueKind.Object && part.TryGetProperty(Type, out JsonElement type) && type.ValueKind == JsonValueKind.String && type.ValueEquals(Video);

    private static void Visit(JsonElement value, Action<string> text)
    {
        if (IsVideo(value)) text(VideoFileOptions.VideoMark);
        else if (value.ValueKind == JsonValueKind.String) text(JsonRow.Text(value, "a message"));
        else if (value.ValueKind == JsonValueKind.Array) foreach (JsonElement entry in value.EnumerateArray()) Visit(entry, text);
        else if (value.ValueKind == JsonValueKind.Object) foreach (JsonProperty property in value.EnumerateObject()) Visit(property.Value, text);
    }

    private static void Copy(JsonElement value, Utf8JsonWriter json, Func<string, string> text)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                CopyObject(value, json, text);
                break;
            case JsonValueKind.Array:
                json.WriteStartArray();
                foreach (JsonElement entry in value.EnumerateArray()) Copy(entry, json, text);
                json.WriteEndArray();
                break;
            case JsonValueKind.String:
                json.WriteStringValue(text(JsonRow.Text(value, "the row")));
                break;
            default:
                value.WriteTo(json);
                break;
        }
    }

    private static void CopyObject(JsonElement value, Utf8JsonWriter json, Func<string, string> text)
    {
        json.WriteStartObject();
        if (IsVideo(value))
        {
            json.WriteString(Type, "text");
            json.WriteString("text", text(VideoFileOptions.VideoMark));
        }
        else
        {
            foreach (JsonProperty property in value.EnumerateObject())
            {
                json.WritePropertyName(property.Name);
                Copy(property.Value, json, text);
            }
        }

        json.WriteEndObject();
    }
}
