using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A name that a checkpoint may refer to, with what we do for it. Nothing is looked up, imported or called by name.</summary>
/// <param name="FullName">As Python writes it.</param>
/// <param name="Kind">What it means here.</param>
/// <param name="ElementType">Of a storage class or an element type.</param>
internal sealed record PickleGlobal(string FullName, PickleGlobalKind Kind, ScalarType? ElementType = null)
{
    private static readonly Dictionary<(string Module, string Name), PickleGlobal> Allowed = List().ToDictionary(g => g.Key, g => g.Value);

    /// <summary>Finds an allowed name.</summary>
    /// <exception cref="InvalidDataException">Every other name is refused.</exception>
    public static PickleGlobal Find(string module, string name, string location)
        => Allowed.TryGetValue((module, name), out PickleGlobal? known) ? known : throw Refused(module, name, location);

    public static InvalidDataException Refused(string module, string name, string location)
        => new($"'{location}': refused: the pickle asks for '{module}.{name}', which is not among the tensor constructors that a checkpoint may name. "
            + "Nothing was executed. If you trust the file, save its weights alone with torch.save(model.state_dict(), path) or as safetensors.");

    private static IEnumerable<KeyValuePair<(string, string), PickleGlobal>> List()
    {
        yield return Entry("collections", "OrderedDict", PickleGlobalKind.Dictionary);
        yield return Entry("builtins", "set", PickleGlobalKind.Set);
        yield return Entry("__builtin__", "set", PickleGlobalKind.Set);
        yield return Entry("_codecs", "encode", PickleGlobalKind.Bytes);   // bytes objects in protocol 2
        yield return Entry("torch", "Size", PickleGlobalKind.Size);
        yield return Entry("torch", "device", PickleGlobalKind.Device);
        yield return Entry("torch._utils", "_rebuild_tensor", PickleGlobalKind.Tensor);
        yield return Entry("torch._utils", "_rebuild_tensor_v2", PickleGlobalKind.Tensor);
        yield return Entry("torch._utils", "_rebuild_tensor_v3", PickleGlobalKind.TypedTensor);
        yield return Entry("torch._utils", "_rebuild_parameter", PickleGlobalKind.Parameter);
        yield return Entry("torch._utils", "_rebuild_parameter_with_state", PickleGlobalKind.Parameter);
        yield return Entry("torch.storage", "UntypedStorage", PickleGlobalKind.Storage);
        foreach ((string storage, string[] dtypes, ScalarType type) in ElementTypeNames())
        {
            yield return Entry("torch", storage, PickleGlobalKind.Storage, type);
            yield return Entry("torch.cuda", storage, PickleGlobalKind.Storage, type);
            foreach (string dtype in dtypes) yield return Entry("torch", dtype, PickleGlobalKind.ElementType, type);
        }
    }

    private static IEnumerable<(string Storage, string[] ElementTypes, ScalarType Type)> ElementTypeNames() =>
    [
        ("DoubleStorage", ["float64"], ScalarType.Float64),
        ("FloatStorage", ["float32"], ScalarType.Float32),
        ("HalfStorage", ["float16"], ScalarType.Float16),
        ("BFloat16Storage", ["bfloat16"], ScalarType.BFloat16),
        ("LongStorage", ["int64"], ScalarType.Int64),
        ("IntStorage", ["int32"], ScalarType.Int32),
        ("ShortStorage", ["int16"], ScalarType.Int16),
        ("CharStorage", ["int8"], ScalarType.Int8),
        ("ByteStorage", ["uint8"], ScalarType.Byte),
        ("BoolStorage", ["bool"], ScalarType.Bool),
    ];

    private static KeyValuePair<(string, string), PickleGlobal> Entry(string module, string name, PickleGlobalKind kind, ScalarType? elementType = null)
        => KeyValuePair.Create((module, name), new PickleGlobal($"{module}.{name}", kind, elementType));
}

/// <summary>What an allowed name means.</summary>
internal enum PickleGlobalKind
{
    Dictionary,
    Set,
    Bytes,
    Size,
    Device,
    Tensor,
    TypedTensor,
    Parameter,
    Storage,
    ElementType,
}
