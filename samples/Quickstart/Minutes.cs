namespace Quickstart;

/// <summary>Times as minutes and seconds, however many minutes there are.</summary>
internal static class Minutes
{
    public static string Of(TimeSpan time) => FormattableString.Invariant($"{(long)time.TotalMinutes}:{time.Seconds:00}");
}
