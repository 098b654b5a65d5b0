namespace Scenes;

/// <summary>One of the nine cells of a picture, in reading order.</summary>
public enum Place
{
    TopLeft,
    Top,
    TopRight,
    Left,
    Center,
    Right,
    BottomLeft,
    Bottom,
    BottomRight,
}

/// <summary>Names and coordinates of places.</summary>
public static class Places
{
    private static readonly string[] Names = ["top left", "top", "top right", "left", "center", "right", "bottom left", "bottom", "bottom right"];

    /// <summary>All nine, in reading order.</summary>
    public static IReadOnlyList<Place> All { get; } = Enum.GetValues<Place>();

    public static string Name(this Place place) => Names[(int)place];

    public static int Row(this Place place) => (int)place / 3;

    public static int Column(this Place place) => (int)place % 3;

    /// <summary>The place in a row and column, or null outside the picture.</summary>
    public static Place? At(int row, int column) => row is < 0 or > 2 || column is < 0 or > 2 ? null : (Place)(row * 3 + column);

    /// <summary>The neighbour in a direction, or null at the edge.</summary>
    public static Place? Towards(this Place place, Direction direction) => direction switch
    {
        Direction.Left => At(place.Row(), place.Column() - 1),
        Direction.Right => At(place.Row(), place.Column() + 1),
        Direction.Up => At(place.Row() - 1, place.Column()),
        Direction.Down => At(place.Row() + 1, place.Column()),
        _ => throw new ArgumentOutOfRangeException(nameof(direction), direction, "Unknown direction."),
    };
}

/// <summary>Where something moves or lies, seen by the viewer.</summary>
public enum Direction
{
    Left,
    Right,
    Up,
    Down,
}
