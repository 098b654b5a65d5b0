using SkiaSharp;

namespace Scenes;

/// <summary>
/// Recovers a scene from pixels by analysis, so that drawn pictures can be marked without opinion: background by majority vote at the
/// edges between cells, then for each place the colour, shape and size whose painted coverage leaves the smallest residual.
/// </summary>
public sealed class SceneReader
{
    private const int Window = 23;                // pixels around a centre: the largest object with its shift
    private static readonly float[] Shifts = [-0.5f, 0f, 0.5f];
    private static readonly Colour Foreground = new("white", SKColors.White);
    private static readonly Colour Empty = new("black", SKColors.Black);

    private readonly SceneWorld _world;
    private readonly ILookup<Place, Template> _templates;

    public SceneReader(SceneWorld world)
    {
        _world = world;
        _templates = (from place in Places.All
                      from shape in world.Shapes
                      from large in world.HasSizes ? new[] { true, false } : [true]
                      from dx in Shifts
                      from dy in Shifts
                      select Template.Paint(new SceneObject(shape, Foreground, large, place, dx, dy))).ToLookup(template => template.Object.Place);
    }

    /// <summary>Reads a picture of any size; it is scaled to 64×64 first.</summary>
    public Scene Read(SKBitmap picture)
    {
        using SKBitmap scaled = Scale(picture);
        Colour background = ReadBackground(scaled);
        var objects = new List<SceneObject>();
        foreach (Place place in Places.All)
            if (ReadPlace(scaled, place, background) is { } found) objects.Add(found);
        return new Scene(background, objects);
    }

    private static SKBitmap Scale(SKBitmap picture)
    {
        var info = new SKImageInfo(ScenePainter.Side, ScenePainter.Side, SKColorType.Rgba8888, SKAlphaType.Opaque);
        var scaled = new SKBitmap(info);
        using var canvas = new SKCanvas(scaled);
        using var paint = new SKPaint { FilterQuality = SKFilterQuality.High };
        canvas.DrawBitmap(picture, new SKRect(0, 0, info.Width, info.Height), paint);
        return scaled;
    }

    /// <summary>The background nearest to most pixels: objects cover less than half of a picture.</summary>
    private Colour ReadBackground(SKBitmap picture)
        => picture.Pixels.GroupBy(pixel => _world.Backgrounds.Concat(_world.Colours).MinBy(c => Distance(pixel, c.Value))!)
            .Where(group => _world.Backgrounds.Contains(group.Key)).OrderByDescending(group => group.Count())
            .FirstOrDefault()?.Key ?? _world.Backgrounds[0];

    private SceneObject? ReadPlace(SKBitmap picture, Place place, Colour background)
    {
        SKColor[] pixels = WindowOf(picture, place);
        if (MainColour(pixels, background) is not { } colour) return null;
        float[] coverage = [.. pixels.Select(pixel => Coverage(pixel, background.Value, colour.Value))];
        Template best = _templates[place].MinBy(template => template.Residual(coverage))!;
        return best.Object with { Colour = colour, OffsetX = 0, OffsetY = 0 };
    }

    private static SKColor[] WindowOf(SKBitmap picture, Place place)
    {
        (float x, float y) = ScenePainter.CentreOf(place);
        int left = (int)MathF.Round(x - Window / 2f), top = (int)MathF.Round(y - Window / 2f);
        return [.. from row in Enumerable.Range(top, Window) from column in Enumerable.Range(left, Window)
                   select picture.GetPixel(Math.Clamp(column, 0, ScenePainter.Side - 1), Math.Clamp(row, 0, ScenePainter.Side - 1))];
    }

    /// <summary>The object colour that most of the cell's inner pixels are nearest to, or null where they are background.</summary>
    private Colour? MainColour(SKColor[] pixels, Colour background)
    {
        const int least = 14;                     // the thinnest small object covers more than twice as many pixels
        var votes = new Dictionary<Colour, int>();
        for (int y = 3; y < Window - 3; y++)
            for (int x = 3; x < Window - 3; x++)
            {
                SKColor pixel = pixels[y * Window + x];
                Colour nearest = _world.Colours.MinBy(c => Distance(pixel, c.Value))!;
                int toColour = Distance(pixel, nearest.Value);
                if (toColour < Distance(pixel, background.Value) && toColour < 90 * 90) votes[nearest] = votes.GetValueOrDefault(nearest) + 1;
            }
        return votes.Count > 0 && votes.MaxBy(v => v.Value) is { Value: >= least } winner ? winner.Key : null;
    }

    private static float Coverage(SKColor pixel, SKColor background, SKColor colour)
    {
        float dr = colour.Red - background.Red, dg = colour.Green - background.Green, db = colour.Blue - background.Blue;
        float along = (pixel.Red - background.Red) * dr + (pixel.Green - background.Green) * dg + (pixel.Blue - background.Blue) * db;
        return Math.Clamp(along / (dr * dr + dg * dg + db * db), 0, 1);
    }

    private static int Distance(SKColor a, SKColor b)
    {
        int dr = a.Red - b.Red, dg = a.Green - b.Green, db = a.Blue - b.Blue;
        return dr * dr + dg * dg + db * db;
    }

    /// <summary>The coverage that one object paints into the window around its place.</summary>
    private sealed record Template(SceneObject Object, float[] Painted)
    {
        public static Template Paint(SceneObject item)
        {
            using SKBitmap bitmap = ScenePainter.Paint(new Scene(Empty, [item]));
            return new Template(item, [.. WindowOf(bitmap, item.Place).Select(pixel => pixel.Red / 255f)]);
        }

        public float Residual(float[] coverage)
        {
            float sum = 0;
            for (int i = 0; i < Painted.Length; i++)
            {
                // Neighbours reach into the rim of a window; nothing of this object does.
                if (i % Window is 0 or Window - 1 || i / Window is 0 or Window - 1) continue;
                float difference = coverage[i] - Painted[i];
                sum += difference * difference;
            }
            return sum;
        }
    }
}
