namespace Microsoft.ML.MetaMorph;

/// <summary>The bytes of a stream one by one through a fixed buffer, and the line on which they stand. A byte order mark at the beginning is passed over.</summary>
internal sealed class ByteFeed
{
    private readonly Stream _stream;
    private readonly byte[] _buffer = new byte[1 << 16];
    private int _at, _end;

    public ByteFeed(Stream stream)
    {
        _stream = stream;
        _end = _stream.ReadAtLeast(_buffer, 3, throwOnEndOfStream: false);
        if (_buffer.AsSpan(0, _end).StartsWith(Mark)) _at = Mark.Length;
    }

    /// <summary>The line of the next byte, counted from 1.</summary>
    public long Line { get; private set; } = 1;

    private static ReadOnlySpan<byte> Mark => [0xEF, 0xBB, 0xBF];

    /// <summary>The next byte, which stays; -1 at the end.</summary>
    public int Peek() => _at < _end || Fill() ? _buffer[_at] : -1;

    /// <summary>The next byte; -1 at the end.</summary>
    public int Next()
    {
        int value = Peek();
        if (value < 0) return value;
        _at++;
        if (value == '\n') Line++;
        return value;
    }

    /// <summary>The next byte that is no white space of JSON, which stays; -1 at the end.</summary>
    public int PeekPastWhite()
    {
        while (Peek() is ' ' or '\t' or '\r' or '\n') Next();
        return Peek();
    }

    private bool Fill()
    {
        _at = 0;
        _end = _stream.Read(_buffer);
        return _end > 0;
    }
}
