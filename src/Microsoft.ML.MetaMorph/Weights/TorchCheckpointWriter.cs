using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Writes a checkpoint as <c>torch.save</c> does: <c>{"model_state_dict": …, "global_step": n}</c>, which <c>torch.load(…, weights_only=True)</c> reads.</summary>
/// <remarks>Format: torch/serialization.py (zip) and pickle protocol 2; every tensor is contiguous and has a storage of its own.</remarks>
internal sealed unsafe class TorchCheckpointWriter
{
    private const string Folder = "archive/";
    private const int PieceBytes = 1 << 26;

    private readonly MemoryStream _pickle = new();

    /// <param name="path">The file; an existing one is replaced.</param>
    /// <param name="tensors">Names and tensors, on any device.</param>
    /// <param name="globalStep">The training steps made.</param>
    public static void Write(string path, IEnumerable<KeyValuePair<string, Tensor>> tensors, long globalStep)
    {
        KeyValuePair<string, Tensor>[] entries = [.. tensors];
        using var mode = no_grad();
        using var file = new AtomicFile(path);
        var zip = new StoredZipWriter(file.Stream);
        zip.Add(Folder + "data.pkl", new TorchCheckpointWriter().Pickle(entries, globalStep));
        zip.Add(Folder + "byteorder", "little"u8);
        for (int i = 0; i < entries.Length; i++) WriteStorage(zip, Folder + "data/" + Key(i), entries[i].Value);
        zip.Add(Folder + "version", "3\n"u8);
        zip.Finish();
        file.Commit();
    }

    private static void WriteStorage(StoredZipWriter zip, string name, Tensor tensor)
    {
        using var scope = NewDisposeScope();
        Tensor source = tensor.detach().cpu().contiguous();
        long length = source.numel() * ElementTypes.Bytes(source.dtype);
        zip.Begin(name, length);
        byte* next = length == 0 ? null : (byte*)TensorMemory.Address(source);
        for (long left = length; left > 0;)
        {
            int count = (int)Math.Min(left, PieceBytes);
            zip.Write(new ReadOnlySpan<byte>(next, count));
            next += count;
            left -= count;
        }
        GC.KeepAlive(source);
    }

    private byte[] Pickle(KeyValuePair<string, Tensor>[] tensors, long globalStep)
    {
        Op(PickleOpcode.Protocol);
        _pickle.WriteByte(2);
        Op(PickleOpcode.EmptyDict);
        Op(PickleOpcode.Mark);
        Text("model_state_dict");
        EmptyOrderedDictionary();
        Op(PickleOpcode.Mark);
        for (int i = 0; i < tensors.Length; i++)
        {
            Text(tensors[i].Key);
            PickleTensor(tensors[i].Value, Key(i));
        }
        Op(PickleOpcode.SetItems);
        Text("global_step");
        Integer(globalStep);
        Op(PickleOpcode.SetItems);
        Op(PickleOpcode.Stop);
        return _pickle.ToArray();
    }

    private void PickleTensor(Tensor tensor, string key)
    {
        long[] shape = tensor.shape;
        Global("torch._utils", "_rebuild_tensor_v2");
        Op(PickleOpcode.Mark);
        Op(PickleOpcode.Mark);
        Text("storage");
        Global("torch", StorageName(tensor.dtype));
        Text(key);
        Text("cpu");
        Integer(tensor.numel());
        Op(PickleOpcode.Tuple);
        Op(PickleOpcode.BinPersistentId);
        Integer(0);
        Integers(shape);
        Integers(Strides(shape));
        Op(PickleOpcode.NewFalse);      // requires no gradient
        EmptyOrderedDictionary();       // has no hooks
        Op(PickleOpcode.Tuple);
        Op(PickleOpcode.Reduce);
    }

    private void EmptyOrderedDictionary()
    {
        Global("collections", "OrderedDict");
        Op(PickleOpcode.EmptyTuple);
        Op(PickleOpcode.Reduce);
    }

    private void Integers(long[] values)
    {
        Op(PickleOpcode.Mark);
        foreach (long value in values) Integer(value);
        Op(PickleOpcode.Tuple);
    }

    private void Integer(long value)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(bytes, value);
        bool isShort = value is >= int.MinValue and <= int.MaxValue;
        Op(isShort ? PickleOpcode.BinInt : PickleOpcode.Long1);
        if (!isShort) _pickle.WriteByte(sizeof(long));
        _pickle.Write(isShort ? bytes[..sizeof(int)] : bytes);
    }

    private void Text(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[sizeof(int)];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        Op(PickleOpcode.BinUnicode);
        _pickle.Write(length);
        _pickle.Write(bytes);
    }

    private void Global(string module, string name)
    {
        Op(PickleOpcode.Global);
        _pickle.Write(Encoding.ASCII.GetBytes($"{module}\n{name}\n"));
    }

    private void Op(PickleOpcode code) => _pickle.WriteByte((byte)code);

    private static string Key(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static long[] Strides(long[] shape)
    {
        var strides = new long[shape.Length];
        long next = 1;
        for (int i = shape.Length - 1; i >= 0; i--)
        {
            strides[i] = next;
            next *= Math.Max(1, shape[i]);
        }
        return strides;
    }

    private static string StorageName(ScalarType type) => type switch
    {
        ScalarType.Float64 => "DoubleStorage",
        ScalarType.Float32 => "FloatStorage",
        ScalarType.Float16 => "HalfStorage",
        ScalarType.BFloat16 => "BFloat16Storage",
        ScalarType.Int64 => "LongStorage",
        ScalarType.Int32 => "IntStorage",
        ScalarType.Byte => "ByteStorage",
        _ => throw new NotSupportedException($"Checkpoints are not written with tensors of {type}."),
    };
}
