using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A file of any length that is made while it is read, and tells how far it was read.</summary>
/// <remarks>It is read once, from the front to the end, as a pipe is: what needs its length or another place throws, and a test that reads it so fails.</remarks>
internal sealed class GeneratedStream(string begin, Func<long, string?> part) : Stream
{
    private byte[] _part = Encoding.UTF8.GetBytes(begin);
    private int _at;
    private long _next;

    /// <summary>Bytes that were read so far.</summary>
    public long BytesRead { get; private set; }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => BytesRead;
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override int Read(Span<byte> buffer)
    {
        while (_at == _part.Length)
        {
            if (part(_next++) is not { } text) return 0;
            _part = Encoding.UTF8.GetBytes(text);
            _at = 0;
        }

        int copied = Math.Min(buffer.Length, _part.Length - _at);
        _part.AsSpan(_at, copied).CopyTo(buffer);
        _at += copied;
        BytesRead += copied;
        return copied;
    }

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
