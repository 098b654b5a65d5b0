using System.Runtime.InteropServices;
using Microsoft.ML.Data;
using Microsoft.Win32.SafeHandles;

namespace Microsoft.ML.MetaMorph;

/// <summary>Visual tokens of rows by the rows' ids, so that pictures are encoded in the first epoch only: in memory up to a budget, then in a file, if there is a folder for it.</summary>
/// <remarks>It relies on what <see cref="IDataView"/> promises: a row has the same id and the same values in every cursor. Where ids turn out not to be unique it keeps nothing.</remarks>
internal sealed class TokenCache(long budgetBytes, string? folder = null) : IDisposable
{
    private readonly Dictionary<DataViewRowId, float[]> _inMemory = [];
    private readonly Dictionary<DataViewRowId, (long Offset, int Length)> _inFile = [];
    private SafeFileHandle? _file;
    private long _bytes, _end;
    private int _passes;
    private bool _useless;

    /// <summary>Whether every row of the data is here.</summary>
    public bool IsComplete { get; private set; }

    /// <summary>Rows in memory.</summary>
    public int InMemory => _inMemory.Count;

    /// <summary>Rows in the file.</summary>
    public int InFile => _inFile.Count;

    /// <summary>The tokens of a row; null where it is not here.</summary>
    public float[]? Find(DataViewRowId id)
    {
        float[]? found = _inMemory.TryGetValue(id, out float[]? values) ? values : _inFile.TryGetValue(id, out (long Offset, int Length) place) ? Read(place) : null;
        if (found is null || _passes > 0) return found;
        // The second row of this id in the first pass.
        Forget();
        return null;
    }

    /// <summary>Keeps the tokens of a row that is not here, if there is room.</summary>
    public void Add(DataViewRowId id, float[] values)
    {
        if (_useless) return;
        long bytes = (long)values.Length * sizeof(float);
        if (_bytes + bytes <= budgetBytes)
        {
            _inMemory.Add(id, values);
            _bytes += bytes;
        }
        else if (folder is not null)
        {
            _file ??= Create(folder);
            RandomAccess.Write(_file, MemoryMarshal.AsBytes(values.AsSpan()), _end);
            _inFile.Add(id, (_end, values.Length));
            _end += bytes;
        }
    }

    /// <summary>Told after a pass over all rows.</summary>
    /// <param name="rows">How many there were.</param>
    public void EndPass(long rows)
    {
        _passes++;
        IsComplete = !_useless && _inMemory.Count + _inFile.Count == rows;
    }

    /// <summary>Frees the memory; the file goes away with its handle.</summary>
    public void Dispose()
    {
        Forget();
        _file?.Dispose();
    }

    private void Forget()
    {
        _useless = true;
        _inMemory.Clear();
        _inFile.Clear();
    }

    private static SafeFileHandle Create(string folder)
    {
        Directory.CreateDirectory(folder);
        return File.OpenHandle(Path.Combine(folder, $"visual-tokens-{Guid.NewGuid():N}.tmp"), FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, FileOptions.DeleteOnClose | FileOptions.RandomAccess);
    }

    private float[] Read((long Offset, int Length) place)
    {
        var values = new float[place.Length];
        Span<byte> bytes = MemoryMarshal.AsBytes(values.AsSpan());
        for (int read = 0; read < bytes.Length;)
        {
            int count = RandomAccess.Read(_file!, bytes[read..], place.Offset + read);
            if (count == 0) throw new EndOfStreamException($"The file of visual tokens ends at byte {place.Offset + read}; {place.Offset + bytes.Length} were written. Something cut it.");
            read += count;
        }
        return values;
    }
}
