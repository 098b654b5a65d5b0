using Scenes;
using SkiaSharp;

namespace Quickstart;

/// <summary>A page to look at: pictures with questions and answers; descriptions with the true picture, the same drawn from its tokens, and what was drawn from the words.</summary>
internal static class ContactSheet
{
    private const int Thumbnail = 96, Gap = 14, CardWidth = 580, Columns = 2, QuestionsShown = 6, DrawingsShown = 12, HeadingHeight = 54;

    public static void Write(string file, Exam exam)
    {
        const int cardHeight = Thumbnail + Gap, width = Columns * (CardWidth + Gap) + Gap, height = 2 * HeadingHeight + (QuestionsShown + DrawingsShown) / Columns * cardHeight + Gap;
        using var bitmap = new SKBitmap(new SKImageInfo(width, height));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(new SKColor(246, 246, 249));
        float y = Heading(canvas, 0, "Asked about a picture that was never shown");
        for (int i = 0; i < QuestionsShown; i++) Question(canvas, Cell(i, y), exam.Questions[i].Row, exam.Questions[i].Answer);
        y = Heading(canvas, y + QuestionsShown / Columns * cardHeight, "Asked for a picture: the true one, drawn from its own visual tokens, drawn from the words");
        for (int i = 0; i < DrawingsShown; i++) Drawn(canvas, Cell(i, y), exam.Drawings[i]);
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        using FileStream stream = File.Create(file);
        data.SaveTo(stream);
    }

    private static SKPoint Cell(int index, float top) => new(Gap + index % Columns * (CardWidth + Gap), top + index / Columns * (Thumbnail + Gap));

    private static float Heading(SKCanvas canvas, float y, string text)
    {
        using var paint = new SKPaint { Color = new SKColor(60, 50, 110), IsAntialias = true, TextSize = 18, FakeBoldText = true };
        canvas.DrawText(text, Gap, y + 34, paint);
        return y + HeadingHeight;
    }

    private static void Question(SKCanvas canvas, SKPoint at, SceneRow row, Answer answer)
    {
        Draw(canvas, row.Pictures[0], at.X, at.Y);
        bool right = answer.Text.Trim() == row.Response;
        float y = Lines(canvas, row.Prompt.Replace(SceneRow.Mark, "").Trim(), at.X + Thumbnail + 12, at.Y + 20, CardWidth - Thumbnail - 16, SKColors.Black);
        y = Lines(canvas, answer.Text.Trim(), at.X + Thumbnail + 12, y + 4, CardWidth - Thumbnail - 16, Mark(right));
        if (!right) Lines(canvas, $"(it is: {row.Response})", at.X + Thumbnail + 12, y + 4, CardWidth - Thumbnail - 16, SKColors.Gray);
    }

    private static void Drawn(SKCanvas canvas, SKPoint at, Drawing drawing)
    {
        Draw(canvas, drawing.Row.Pictures[0], at.X, at.Y);
        Draw(canvas, drawing.Reconstructed.Picture, at.X + Thumbnail + 6, at.Y);
        if (drawing.Drawn is { } drawn) Draw(canvas, drawn.Picture, at.X + 2 * (Thumbnail + 6), at.Y);
        float left = at.X + 3 * (Thumbnail + 6) + 4, room = CardWidth - 3 * (Thumbnail + 6) - 8;
        float y = Lines(canvas, drawing.Row.Prompt, left, at.Y + 14, room, SKColors.Black);
        bool right = drawing.Drawn?.Scene.LooksLike(drawing.Scene) == true;
        Lines(canvas, drawing.Drawn is null ? "no picture" : right ? "as asked" : "not as asked", left, y + 2, room, Mark(right));
    }

    private static SKColor Mark(bool right) => right ? new SKColor(20, 130, 60) : new SKColor(200, 50, 40);

    private static void Draw(SKCanvas canvas, Picture picture, float x, float y)
    {
        using SKBitmap bitmap = picture.ToBitmap();
        Draw(canvas, bitmap, x, y);
    }

    private static void Draw(SKCanvas canvas, SKBitmap bitmap, float x, float y)
    {
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.None };
        using var frame = new SKPaint { Color = new SKColor(200, 200, 210), Style = SKPaintStyle.Stroke };
        canvas.DrawBitmap(bitmap, new SKRect(x, y, x + Thumbnail, y + Thumbnail), paint);
        canvas.DrawRect(x, y, Thumbnail, Thumbnail, frame);
    }

    /// <summary>Writes words, broken where the room ends.</summary>
    /// <returns>The baseline of the next line.</returns>
    private static float Lines(SKCanvas canvas, string text, float x, float y, float room, SKColor colour)
    {
        using var paint = new SKPaint { Color = colour, IsAntialias = true, TextSize = 12.5f };
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
