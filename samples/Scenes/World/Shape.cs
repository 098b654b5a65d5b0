namespace Scenes;

/// <summary>What an object looks like. The names in questions and answers are these, in lower case.</summary>
public enum Shape
{
    Circle,
    Square,
    Triangle,
    Star,
    Cross,
    Ring,
    Heart,
    Diamond,
    Moon,
    Arrow,
    Hourglass,
    Bolt,
}
