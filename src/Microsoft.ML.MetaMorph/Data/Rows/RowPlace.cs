using System.Globalization;

namespace Microsoft.ML.MetaMorph;

/// <summary>Where a row was read, for messages and reports.</summary>
/// <param name="File">The file, as it was named by who asked for it.</param>
/// <param name="Number">The place in the file, counted from 1; 0 where the file itself is the row.</param>
/// <param name="Unit">What is counted: <c>line</c> (where the row begins), <c>row</c>, <c>member</c>, …</param>
public readonly record struct RowPlace(string File, long Number, string Unit = "line")
{
    /// <summary>The place in words.</summary>
    /// <returns><c>rows.jsonl, line 17</c>; the file alone where it is the row.</returns>
    public override string ToString() => Number == 0 ? File : string.Create(CultureInfo.InvariantCulture, $"{File}, {Unit} {Number}");
}
