namespace Microsoft.ML.MetaMorph;

/// <summary>How far a download is.</summary>
/// <param name="File">The file whose bytes came.</param>
/// <param name="FileBytes">Bytes of it that are there, those of an earlier, interrupted download included.</param>
/// <param name="FileLength">Bytes that it will have.</param>
/// <param name="TotalBytes">Bytes that are there of all files that were missing.</param>
/// <param name="TotalLength">Bytes that these will have together.</param>
public sealed record HuggingFaceProgress(string File, long FileBytes, long FileLength, long TotalBytes, long TotalLength);
