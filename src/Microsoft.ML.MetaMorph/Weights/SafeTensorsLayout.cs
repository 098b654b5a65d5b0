using System.Buffers.Binary;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Where each tensor of a safetensors file will lie, decided before the first byte is written.</summary>
internal sealed class SafeTensorsLayout
{
    /// <summary>The alignment of the data: a cache line, and what libtorch gives its own tensors.</summary>
    private const int Alignment = 64;

    private SafeTensorsLayout(IReadOnlyList<PlacedTensor> tensors, byte[] header, long dataBytes)
    {
        Tensors = tensors;
        Header = header;
        DataBytes = dataBytes;
    }

    /// <summary>The tensors in order of their bytes.</summary>
    public IReadOnlyList<PlacedTensor> Tensors { get; }

    /// <summary>The length field, the JSON and its padding.</summary>
    public byte[] Header { get; }

    public long DataBytes { get; }

    /// <param name="tensors">Names and tensors; names must be unlike.</param>
    /// <param name="elementType">The type that floating-point tensors are written in; null = their own.</param>
    /// <param name="metadata">Goes into <c>__metadata__</c> beside <c>format: pt</c>.</param>
    /// <param name="position">Where the file will begin inside another one, so that the data is aligned there.</param>
    public static SafeTensorsLayout Plan(IEnumerable<KeyValuePair<string, Tensor>> tensors, ScalarType? elementType, IReadOnlyDictionary<string, string>? metadata, long position)
    {
        // Wide elements first: the format allows no gaps, and so every tensor is aligned to its elements.
        var ordered = tensors.Select(t => (t.Key, t.Value, Type: StoredType(t.Value, elementType)))
            .OrderByDescending(t => ElementTypes.Bytes(t.Type)).ToList();
        var names = new HashSet<string>(StringComparer.Ordinal);
        var placed = new List<PlacedTensor>(ordered.Count);
        long end = 0;
        foreach ((string name, Tensor tensor, ScalarType type) in ordered)
        {
            CheckName(name, names);
            long begin = end;
            end = checked(begin + tensor.numel() * ElementTypes.Bytes(type));
            placed.Add(new PlacedTensor(name, tensor, type, begin, end));
        }
        return new SafeTensorsLayout(placed, BuildHeader(placed, metadata, position), end);
    }

    public static ScalarType StoredType(Tensor tensor, ScalarType? elementType)
        => elementType is { } wanted && ElementTypes.IsFloatingPoint(tensor.dtype) ? wanted : tensor.dtype;

    private static void CheckName(string name, HashSet<string> names)
    {
        if (name == SafeTensorsHeader.MetadataName) throw new ArgumentException($"A tensor cannot be named {name}: the format reserves that name.");
        if (!IsUnicode(name)) throw new ArgumentException($"The tensor name '{name}' is not Unicode text (it holds half a surrogate pair).");
        if (!names.Add(name)) throw new ArgumentException($"Two tensors are named '{name}'.");
    }

    private static bool IsUnicode(string text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }
        return true;
    }

    private static byte[] BuildHeader(List<PlacedTensor> tensors, IReadOnlyDictionary<string, string>? metadata, long position)
    {
        using var buffer = new MemoryStream();
        buffer.Write(new byte[sizeof(ulong)]);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            WriteMetadata(json, metadata);
            foreach (PlacedTensor tensor in tensors) WriteEntry(json, tensor);
            json.WriteEndObject();
        }
        while ((position + buffer.Length) % Alignment != 0) buffer.WriteByte((byte)' ');
        byte[] header = buffer.ToArray();
        if (header.Length - sizeof(ulong) > SafeTensorsHeader.LengthLimit) throw new ArgumentException($"The header of {tensors.Count} tensors has {header.Length} bytes, the format allows {SafeTensorsHeader.LengthLimit}. Write several shards.");
        BinaryPrimitives.WriteUInt64LittleEndian(header, (ulong)(header.Length - sizeof(ulong)));
        return header;
    }

    private static void WriteMetadata(Utf8JsonWriter json, IReadOnlyDictionary<string, string>? metadata)
    {
        json.WriteStartObject(SafeTensorsHeader.MetadataName);
        if (metadata is null || !metadata.ContainsKey("format")) json.WriteString("format", "pt");   // transformers refuses files without it
        foreach ((string key, string value) in metadata ?? new Dictionary<string, string>()) json.WriteString(key, value);
        json.WriteEndObject();
    }

    private static void WriteEntry(Utf8JsonWriter json, PlacedTensor placed)
    {
        json.WriteStartObject(placed.Name);
        json.WriteString("dtype", ElementTypes.Name(placed.ElementType));
        json.WriteStartArray("shape");
        foreach (long size in placed.Tensor.shape) json.WriteNumberValue(size);
        json.WriteEndArray();
        json.WriteStartArray("data_offsets");
        json.WriteNumberValue(placed.Begin);
        json.WriteNumberValue(placed.End);
        json.WriteEndArray();
        json.WriteEndObject();
    }
}

/// <summary>A tensor with the type it is written in and its bytes in the data.</summary>
internal readonly record struct PlacedTensor(string Name, Tensor Tensor, ScalarType ElementType, long Begin, long End);
