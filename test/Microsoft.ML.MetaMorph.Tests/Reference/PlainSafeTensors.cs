using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A slow, obvious safetensors reader that shares no code with the product.</summary>
internal static class PlainSafeTensors
{
    public static Dictionary<string, Tensor> Read(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int header = checked((int)BitConverter.ToInt64(bytes, 0));
        using JsonDocument json = JsonDocument.Parse(bytes.AsMemory(8, header));
        var tensors = new Dictionary<string, Tensor>();
        foreach (JsonProperty entry in json.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__"))
        {
            long[] shape = [.. entry.Value.GetProperty("shape").EnumerateArray().Select(x => x.GetInt64())];
            int begin = entry.Value.GetProperty("data_offsets")[0].GetInt32(), end = entry.Value.GetProperty("data_offsets")[1].GetInt32();
            if (entry.Value.GetProperty("dtype").GetString() == "U16")
            {
                // TorchSharp has no such element type; the values are what matters.
                int[] wide = [.. Enumerable.Range(0, (end - begin) / 2).Select(i => (int)BitConverter.ToUInt16(bytes, 8 + header + begin + 2 * i))];
                tensors[entry.Name] = tensor(wide).reshape(shape).DetachFromDisposeScope();
                continue;
            }
            Tensor values = empty(shape, dtype: Type(entry.Value.GetProperty("dtype").GetString()!));
            if (end > begin) values.bytes = bytes.AsSpan(8 + header + begin, end - begin);
            tensors[entry.Name] = values.DetachFromDisposeScope();
        }
        return tensors;
    }

    /// <summary>The tensors as they lie in the file, whatever their element type.</summary>
    public static Dictionary<string, byte[]> Bytes(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int header = checked((int)BitConverter.ToInt64(bytes, 0));
        using JsonDocument json = JsonDocument.Parse(bytes.AsMemory(8, header));
        return json.RootElement.EnumerateObject().Where(e => e.Name != "__metadata__").ToDictionary(e => e.Name, e => Slice(e.Value.GetProperty("data_offsets")));

        byte[] Slice(JsonElement offsets) => bytes[(8 + header + offsets[0].GetInt32())..(8 + header + offsets[1].GetInt32())];
    }

    private static ScalarType Type(string name) => name switch
    {
        "F64" => ScalarType.Float64,
        "F32" => ScalarType.Float32,
        "F16" => ScalarType.Float16,
        "BF16" => ScalarType.BFloat16,
        "I64" => ScalarType.Int64,
        "I32" => ScalarType.Int32,
        "I16" => ScalarType.Int16,
        "I8" => ScalarType.Int8,
        "U8" => ScalarType.Byte,
        "BOOL" => ScalarType.Bool,
        _ => throw new InvalidDataException($"element type {name}"),
    };
}
