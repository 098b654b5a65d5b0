using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the allowed names make of their arguments: containers and descriptions of tensors, no elements.</summary>
internal static class PickleConstructor
{
    public static object? Apply(PickleGlobal callee, PickleTuple arguments, string location) => (callee.Kind, arguments.Items) switch
    {
        (PickleGlobalKind.Dictionary, []) => new PickleDictionary(),
        (PickleGlobalKind.Dictionary, [PickleList pairs]) => Pairs(pairs, location),
        (PickleGlobalKind.Set, [PickleList items]) => new PickleList(items),
        (PickleGlobalKind.Size, [PickleTuple sizes]) => sizes,
        (PickleGlobalKind.Size, [PickleList sizes]) => new PickleTuple(sizes),
        (PickleGlobalKind.Device, [string kind]) => kind,
        (PickleGlobalKind.Device, [string kind, long index]) => string.Create(CultureInfo.InvariantCulture, $"{kind}:{index}"),
        (PickleGlobalKind.Bytes, [string text, "latin1" or "latin-1"]) => Encoding.Latin1.GetBytes(text),
        (PickleGlobalKind.Parameter, [TorchTensor data, ..]) => data,
        (PickleGlobalKind.Tensor, [TorchStorage { ElementType: { } type } storage, long offset, PickleTuple shape, PickleTuple strides, ..])
            => new TorchTensor(storage, type, offset, Numbers(shape, location), Numbers(strides, location)),
        (PickleGlobalKind.TypedTensor, [TorchStorage storage, long offset, PickleTuple shape, PickleTuple strides, _, _, PickleGlobal { Kind: PickleGlobalKind.ElementType, ElementType: { } type }, ..])
            => new TorchTensor(storage, type, offset, Numbers(shape, location), Numbers(strides, location)),
        _ => throw new InvalidDataException($"'{location}': the pickle is broken: {callee.FullName} is given ({string.Join(", ", arguments.Items.Select(Describe))})."),
    };

    private static PickleDictionary Pairs(PickleList pairs, string location)
    {
        var dictionary = new PickleDictionary();
        foreach (object? pair in pairs)
        {
            IReadOnlyList<object?>? items = pair is PickleTuple tuple ? tuple.Items : pair as PickleList;
            if (items is not [string key, object value]) throw new InvalidDataException($"'{location}': the pickle is broken: an OrderedDict is given something that is not a pair.");
            dictionary.Set(key, value);
        }
        return dictionary;
    }

    private static long[] Numbers(PickleTuple tuple, string location)
        => [.. tuple.Items.Select(i => i is long number ? number : throw new InvalidDataException($"'{location}': the pickle is broken: a size or stride is {Describe(i)}."))];

    private static string Describe(object? value) => value switch
    {
        null => "None",
        long number => number.ToString(CultureInfo.InvariantCulture),
        PickleGlobal global => global.FullName,
        _ => value.GetType().Name,
    };
}
