using SkiaSharp;

namespace Scenes;

/// <summary>A named colour of objects or backgrounds.</summary>
/// <param name="Name">The word that stands for it in text.</param>
/// <param name="Value">The colour itself.</param>
public sealed record Colour(string Name, SKColor Value)
{
    /// <summary>The eight colours of objects, far from each other and from every background.</summary>
    public static IReadOnlyList<Colour> Objects { get; } =
    [
        new("red", new(225, 40, 45)),
        new("green", new(40, 165, 65)),
        new("blue", new(45, 95, 235)),
        new("yellow", new(250, 215, 45)),
        new("purple", new(150, 60, 200)),
        new("orange", new(248, 135, 25)),
        new("cyan", new(45, 205, 225)),
        new("pink", new(250, 145, 195)),
    ];

    /// <summary>The four backgrounds.</summary>
    public static IReadOnlyList<Colour> Backgrounds { get; } =
    [
        new("white", new(255, 255, 255)),
        new("black", new(18, 18, 22)),
        new("grey", new(128, 128, 128)),
        new("brown", new(92, 62, 42)),
    ];

    public override string ToString() => Name;
}
