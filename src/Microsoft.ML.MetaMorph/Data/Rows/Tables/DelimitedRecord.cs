namespace Microsoft.ML.MetaMorph;

/// <summary>The fields of one row of a table, or a reason why they cannot be read.</summary>
/// <param name="Line">The line on which it begins, counted from 1.</param>
/// <param name="Fields">The texts.</param>
/// <param name="Problem">What is wrong; null for nothing.</param>
internal readonly record struct DelimitedRecord(long Line, IReadOnlyList<string> Fields, string? Problem = null);
