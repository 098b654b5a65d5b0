using Microsoft.ML.Data;
using SkiaSharp;

namespace Scenes;

/// <summary>A picture of a row, painted when it is needed.</summary>
/// <param name="Scene">What it shows.</param>
/// <param name="View">The part of the scene that fills the picture; null for all of it.</param>
public sealed record Picture(Scene Scene, SKRect? View = null)
{
    public MLImage ToImage() => ScenePainter.PaintImage(Scene, View);

    public SKBitmap ToBitmap() => ScenePainter.Paint(Scene, View ?? new SKRect(0, 0, ScenePainter.Side, ScenePainter.Side));

    /// <summary>Writes the picture as PNG.</summary>
    public void Save(string path)
    {
        using SKBitmap bitmap = ToBitmap();
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        using FileStream file = File.Create(path);
        data.SaveTo(file);
    }
}
