namespace Microsoft.ML.MetaMorph;

/// <summary>Collects the bytes of one row. Of a row that is too long, the bytes beyond the bound are counted and not kept.</summary>
internal sealed class RecordBuffer
{
    private readonly int _maximumBytes;
    private byte[] _bytes;
    private long _length;

    public RecordBuffer(int maximumBytes)
    {
        _maximumBytes = maximumBytes;
        _bytes = new byte[Math.Min(4096, maximumBytes)];
    }

    /// <summary>Whether there was nothing but white space.</summary>
    public bool IsBlank { get; private set; } = true;

    public void Clear()
    {
        _length = 0;
        IsBlank = true;
    }

    public void Add(byte value)
    {
        if (value is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n')) IsBlank = false;
        if (_length < _maximumBytes)
        {
            if (_length == _bytes.Length) Array.Resize(ref _bytes, (int)Math.Min(_maximumBytes, 2L * _bytes.Length));
            _bytes[_length] = value;
        }

        _length++;
    }

    public JsonRecord ToRecord(long line) => _length <= _maximumBytes
        ? new JsonRecord(line, _bytes.AsMemory(0, (int)_length))
        : new JsonRecord(line, default, $"the row has {_length} bytes, more than {nameof(ConversationFileOptions.MaximumRowBytes)} = {_maximumBytes}. Raise it, or take the row out.");
}
