using SkiaSharp;

namespace Scenes;

/// <summary>The outline of each shape around the origin, for a radius of one.</summary>
public static class ShapeOutline
{
    private static readonly Dictionary<Shape, SKPath> Outlines = Enum.GetValues<Shape>().ToDictionary(shape => shape, Create);

    /// <summary>The outline; shared, not to be changed.</summary>
    public static SKPath Of(Shape shape) => Outlines[shape];

    private static SKPath Create(Shape shape) => shape switch
    {
        Shape.Circle => Round(1f),
        Shape.Square => Polygon((-0.86f, -0.86f), (0.86f, -0.86f), (0.86f, 0.86f), (-0.86f, 0.86f)),
        Shape.Triangle => Polygon((0, -1), (1, 0.85f), (-1, 0.85f)),
        Shape.Star => Star(5, 0.42f),
        Shape.Cross => Polygon((-0.32f, -1), (0.32f, -1), (0.32f, -0.32f), (1, -0.32f), (1, 0.32f), (0.32f, 0.32f), (0.32f, 1), (-0.32f, 1), (-0.32f, 0.32f), (-1, 0.32f), (-1, -0.32f), (-0.32f, -0.32f)),
        Shape.Ring => Ring(),
        Shape.Heart => Heart(),
        Shape.Diamond => Polygon((0, -1), (0.68f, 0), (0, 1), (-0.68f, 0)),
        Shape.Moon => Moon(),
        Shape.Arrow => Polygon((-1, -0.3f), (0.05f, -0.3f), (0.05f, -0.85f), (1, 0), (0.05f, 0.85f), (0.05f, 0.3f), (-1, 0.3f)),
        Shape.Hourglass => Polygon((-0.8f, -1), (0.8f, -1), (0.16f, 0), (0.8f, 1), (-0.8f, 1), (-0.16f, 0)),
        Shape.Bolt => Polygon((0.25f, -1), (-0.75f, 0.2f), (-0.1f, 0.2f), (-0.35f, 1), (0.75f, -0.3f), (0.05f, -0.3f)),
        _ => throw new ArgumentOutOfRangeException(nameof(shape), shape, "Unknown shape."),
    };

    private static SKPath Polygon(params (float X, float Y)[] corners)
    {
        var path = new SKPath();
        path.AddPoly([.. corners.Select(c => new SKPoint(c.X, c.Y))], close: true);
        return path;
    }

    private static SKPath Round(float radius)
    {
        var path = new SKPath();
        path.AddCircle(0, 0, radius);
        return path;
    }

    private static SKPath Star(int points, float inner) => Polygon([.. Enumerable.Range(0, 2 * points).Select(i =>
    {
        double angle = Math.PI * i / points - Math.PI / 2, radius = i % 2 == 0 ? 1 : inner;
        return ((float)(radius * Math.Cos(angle)), (float)(radius * Math.Sin(angle)));
    })]);

    private static SKPath Ring()
    {
        SKPath path = Round(1f);
        path.AddCircle(0, 0, 0.52f);
        path.FillType = SKPathFillType.EvenOdd;
        return path;
    }

    private static SKPath Heart()
    {
        var path = new SKPath();
        path.MoveTo(0, 1);
        path.CubicTo(-1.5f, -0.1f, -0.95f, -1.25f, 0, -0.45f);
        path.CubicTo(0.95f, -1.25f, 1.5f, -0.1f, 0, 1);
        path.Close();
        return path;
    }

    private static SKPath Moon()
    {
        using SKPath whole = Round(1f), bite = new();
        bite.AddCircle(0.55f, -0.1f, 0.82f);
        return whole.Op(bite, SKPathOp.Difference);
    }
}
