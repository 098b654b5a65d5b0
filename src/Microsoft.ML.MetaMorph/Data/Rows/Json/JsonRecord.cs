namespace Microsoft.ML.MetaMorph;

/// <summary>The bytes of one row of a JSON file, which are there until the next is read, or a reason why they are not.</summary>
/// <param name="Line">The line on which it begins, counted from 1.</param>
/// <param name="Bytes">Its text.</param>
/// <param name="Problem">Why it cannot be read; null where it can.</param>
internal readonly record struct JsonRecord(long Line, ReadOnlyMemory<byte> Bytes, string? Problem = null);
