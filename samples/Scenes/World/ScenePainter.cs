using Microsoft.ML.Data;
using SkiaSharp;

namespace Scenes;

/// <summary>Paints scenes: 64×64 pixels, anti-aliased, RGB.</summary>
public static class ScenePainter
{
    /// <summary>Width and height of a picture in pixels.</summary>
    public const int Side = 64;

    /// <summary>Distance between the centres of neighbouring places.</summary>
    public const float Spacing = 20.8f;

    public const float LargeRadius = 10.2f;

    public const float SmallRadius = 7f;

    /// <summary>The centre of a place in pixels.</summary>
    public static (float X, float Y) CentreOf(Place place) => (32 + (place.Column() - 1) * Spacing, 32 + (place.Row() - 1) * Spacing);

    /// <summary>Paints a scene into a new bitmap.</summary>
    public static SKBitmap Paint(Scene scene) => Paint(scene, view: new SKRect(0, 0, Side, Side));

    /// <summary>Paints the part of a scene inside <paramref name="view"/>, enlarged to a full picture.</summary>
    public static SKBitmap Paint(Scene scene, SKRect view)
    {
        var bitmap = new SKBitmap(new SKImageInfo(Side, Side, SKColorType.Rgba8888, SKAlphaType.Opaque));
        using var canvas = new SKCanvas(bitmap);
        canvas.Clear(scene.Background.Value);
        canvas.Scale(Side / view.Width, Side / view.Height);
        canvas.Translate(-view.Left, -view.Top);
        foreach (SceneObject item in scene.Objects) Paint(canvas, item);
        return bitmap;
    }

    /// <summary>Paints a scene as ML.NET's image type.</summary>
    public static MLImage PaintImage(Scene scene, SKRect? view = null)
    {
        using SKBitmap bitmap = Paint(scene, view ?? new SKRect(0, 0, Side, Side));
        return MLImage.CreateFromPixels(Side, Side, MLPixelFormat.Rgba32, bitmap.GetPixelSpan());
    }

    /// <summary>The square around an object that visual thinking looks at.</summary>
    public static SKRect CloseUp(SceneObject item)
    {
        (float x, float y) = CentreOf(item.Place);
        const float half = Spacing / 2 + 1;
        return new SKRect(x - half, y - half, x + half, y + half);
    }

    private static void Paint(SKCanvas canvas, SceneObject item)
    {
        (float x, float y) = CentreOf(item.Place);
        float radius = item.IsLarge ? LargeRadius : SmallRadius;
        using var paint = new SKPaint { Color = item.Colour.Value, IsAntialias = true, Style = SKPaintStyle.Fill };
        canvas.Save();
        canvas.Translate(x + item.OffsetX, y + item.OffsetY);
        canvas.Scale(radius);
        canvas.DrawPath(ShapeOutline.Of(item.Shape), paint);
        canvas.Restore();
    }
}
