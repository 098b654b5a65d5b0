using Scenes;
using SkiaSharp;

namespace Quickstart;

/// <summary>A page to look at: pictures with questions and answers, and descriptions with the true and the chosen picture.</summary>
internal static class ContactSheet
{
    private const int Thumbnail = 112, Gap = 14, CardWidth = 420, Columns = 2, RowsShown = 6;

    public static void Write(string file, Exam exam)
    {
        const int cardHeight = Thumbnail + Gap, width = Columns * (CardWidth + Gap) + Gap, height = 2 * 54 + 2 * (RowsShown / Columns * cardHeight) + Gap;
        using var bitmap = new SKBitmap(new SKImageInfo(width, height));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(new SKColor(246, 246, 249));
        float y = Heading(canvas, 0, "Asked about a picture that was never shown");
        for (int i = 0; i < RowsShown; i++) Question(canvas, Cell(i, y), exam.Questions[i].Row, exam.Questions[i].Answer);
        y = Heading(canvas, y + RowsShown / Columns * cardHeight, $"Asked for a picture: the true one, and the one its predicted tokens find among {Exam.CandidateCount}");
        for (int i = 0; i < RowsShown; i++) Description(canvas, Cell(i, y), exam.Descriptions[i].Row, exam.Descriptions[i].Chosen);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        using FileStream stream = File.Create(file);
        data.SaveTo(stream);
    }

    private static SKPoint Cell(int index, float top) => new(Gap + index % Columns * (CardWidth + Gap), top + index / Columns * (Thumbnail + Gap));

    private static float Heading(SKCanvas canvas, float y, string text)
    {
        using var paint = new SKPaint { Color = new SKColor(60, 50, 110), IsAntialias = true, TextSize = 18, FakeBoldText = true };
        canvas.DrawText(text, Gap, y + 34, paint);
        return y + 54;
    }

    private static void Question(SKCanvas canvas, SKPoint at, SceneRow row, Answer answer)
    {
        Draw(canvas, row.Pictures[0], at.X, at.Y);
        bool right = answer.Text.Trim() == row.Response;
        float y = Lines(canvas, row.Prompt.Replace(SceneRow.Mark, "").Trim(), at.X + Thumbnail + 12, at.Y + 20, CardWidth - Thumbnail - 16, SKColors.Black);
        y = Lines(canvas, answer.Text.Trim(), at.X + Thumbnail + 12, y + 4, CardWidth - Thumbnail - 16, Mark(right));
        if (!right) Lines(canvas, $"(it is: {row.Response})", at.X + Thumbnail + 12, y + 4, CardWidth - Thumbnail - 16, SKColors.Gray);
    }

    private static void Description(SKCanvas canvas, SKPoint at, SceneRow row, Picture? chosen)
    {
        Draw(canvas, row.Pictures[0], at.X, at.Y);
        if (chosen is not null) Draw(canvas, chosen, at.X + Thumbnail + 8, at.Y);
        bool right = ReferenceEquals(chosen, row.Pictures[0]);
        float left = at.X + 2 * Thumbnail + 20, room = CardWidth - 2 * Thumbnail - 24;
        float y = Lines(canvas, row.Prompt, left, at.Y + 18, room, SKColors.Black);
        Lines(canvas, chosen is null ? "no picture" : right ? "found" : "another one", left, y + 4, room, Mark(right));
    }

    private static SKColor Mark(bool right) => right ? new SKColor(20, 130, 60) : new SKColor(200, 50, 40);

    private static void Draw(SKCanvas canvas, Picture picture, float x, float y)
    {
        using SKBitmap bitmap = picture.ToBitmap();
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.None };
        using var frame = new SKPaint { Color = new SKColor(200, 200, 210), Style = SKPaintStyle.Stroke };
        canvas.DrawBitmap(bitmap, new SKRect(x, y, x + Thumbnail, y + Thumbnail), paint);
        canvas.DrawRect(x, y, Thumbnail, Thumbnail, frame);
    }

    /// <summary>Writes words, broken where the room ends.</summary>
    /// <returns>The baseline of the next line.</returns>
    private static float Lines(SKCanvas canvas, string text, float x, float y, float room, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour, IsAntialias = true, TextSize = 13 };
        string line = "";
        foreach (string word in text.Split(' '))
        {
            string longer = line.Length == 0 ? word : $"{line} {word}";
            if (line.Length > 0 && paint.MeasureText(longer) > room)
            {
                canvas.DrawText(line, x, y, paint);
                y += 16;
                longer = word;
            }
            line = longer;
        }
        canvas.DrawText(line, x, y, paint);
        return y + 16;
    }
}
