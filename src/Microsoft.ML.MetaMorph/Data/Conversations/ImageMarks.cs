using System.Text.RegularExpressions;

namespace Microsoft.ML.MetaMorph;

/// <summary>The marks of pictures in a text: <c>&lt;image&gt;</c>, which stands between <c>&lt;image_start&gt;</c> and <c>&lt;image_end&gt;</c> when it is tokenized.</summary>
internal static partial class ImageMarks
{
    public const string Image = "<image>", Start = "<image_start>", End = "<image_end>", Wrapped = Start + Image + End;

    public static int Count(string text) => Count(text, Image);

    /// <summary>Puts every mark between start and end, also where one or both are there already.</summary>
    /// <exception cref="FormatException">A start or an end stands without a mark: it would open a picture that does not come.</exception>
    public static string Wrap(string text)
    {
        string wrapped = MarkAndWrapping().Replace(text, Wrapped);
        int marks = Count(wrapped), starts = Count(wrapped, Start), ends = Count(wrapped, End);
        if (starts != marks || ends != marks)
            throw new FormatException($"the text holds {marks} {Image} marks, but {starts} times {Start} and {ends} times {End}; each belongs directly around a mark. Write {Image} alone.");
        return wrapped;
    }

    /// <summary>The texts between the marks: one more than there are marks.</summary>
    public static string[] Split(string text) => text.Split(Image);

    private static int Count(string text, string part)
    {
        int count = 0;
        for (int at = text.IndexOf(part, StringComparison.Ordinal); at >= 0; at = text.IndexOf(part, at + part.Length, StringComparison.Ordinal)) count++;
        return count;
    }

    [GeneratedRegex("(<image_start>)?<image>(<image_end>)?", RegexOptions.CultureInvariant)]
    private static partial Regex MarkAndWrapping();
}
