namespace Microsoft.ML.MetaMorph;

/// <summary>The small text that git leaves where a large file was not fetched: a frequent mistake that deserves its own message.</summary>
internal static class GitLargeFilePointer
{
    public static void Refuse(MappedFile file, string location)
    {
        ReadOnlySpan<byte> beginning = "version https://git-lfs"u8;
        if (file.Length >= beginning.Length && file.Bytes(0, beginning.Length).AsSpan().SequenceEqual(beginning))
            throw new InvalidDataException($"'{location}' is a git-lfs pointer, not the weights themselves. Fetch them with 'git lfs pull' or 'hf download'.");
    }
}
