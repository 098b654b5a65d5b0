namespace Microsoft.ML.MetaMorph;

/// <summary>Hands what is written on to another stream, and sums it up on the way.</summary>
/// <param name="inner">Stays the caller's.</param>
internal sealed class ChecksumStream(Stream inner) : Stream
{
    /// <summary><see cref="Crc32C"/> of all that was written.</summary>
    public uint Checksum { get; private set; }

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException("This stream is written only.");

    public override long Position
    {
        get => throw new NotSupportedException("This stream is written only.");
        set => throw new NotSupportedException("This stream is written only.");
    }

    public override void Write(ReadOnlySpan<byte> buffer)
    {
        inner.Write(buffer);
        Checksum = Crc32C.Update(Checksum, buffer);
    }

    public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("This stream is written only.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException("This stream is written only.");

    public override void SetLength(long value) => throw new NotSupportedException("This stream is written only.");
}
