namespace Scenes;

/// <summary>One object of a scene.</summary>
/// <param name="Shape">Its outline.</param>
/// <param name="Colour">Its fill.</param>
/// <param name="IsLarge">Radius 10.2 pixels instead of 7.</param>
/// <param name="Place">The cell it stands in.</param>
/// <param name="OffsetX">Shift from the cell's centre in pixels, at most ±0.6.</param>
/// <param name="OffsetY">Shift from the cell's centre in pixels, at most ±0.6.</param>
public sealed record SceneObject(Shape Shape, Colour Colour, bool IsLarge, Place Place, float OffsetX = 0, float OffsetY = 0)
{
    public string SizeName => IsLarge ? "large" : "small";

    public string ShapeName => Shape.ToString().ToLowerInvariant();

    /// <summary>"red star"</summary>
    public string ShortName => $"{Colour} {ShapeName}";

    /// <summary>"a large red star"</summary>
    public string FullName => $"a {SizeName} {ShortName}";

    /// <summary>"a large red star at the top left"</summary>
    public string Placed => $"{FullName} at the {Place.Name()}";

    /// <summary>Equal in everything a person could name: not in the sub-pixel shift.</summary>
    public bool LooksLike(SceneObject other) => Shape == other.Shape && Colour == other.Colour && IsLarge == other.IsLarge && Place == other.Place;
}
