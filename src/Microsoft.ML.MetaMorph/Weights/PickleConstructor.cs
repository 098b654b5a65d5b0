using System.Globalization;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>What the allowed names make of their arguments: containers and descriptions of tensors, no elements.</summary>
internal static class PickleConstructor
{
    public static object? Apply(PickleGlobal callee, PickleTuple arguments, PickleBudget budget, string location) => (callee.Kind, arguments.Items) switch
    {
        (PickleGlobalKind.Dictionary, []) => new PickleDictionary(),
        (PickleGlobalKind.Dictionary, [PickleList pairs]) => Pairs(pairs, budget, location),
        (PickleGlobalKind.Set, [PickleList items]) => new PickleList(Copied(items, budget)),
        (PickleGlobalKind.Size, [PickleTuple sizes]) => sizes,
        (PickleGlobalKind.Size, [PickleList sizes]) => new PickleTuple([.. Copied(sizes, budget)]),
        (PickleGlobalKind.Device, [string kind]) => kind,
        (PickleGlobalKind.Device, [string kind, long index]) => string.Create(CultureInfo.InvariantCulture, $"{Copied(kind, budget)}:{index}"),
        (PickleGlobalKind.Bytes, [string text, "latin1" or "latin-1"]) => Encoding.Latin1.GetBytes(Copied(text, budget)),
        (PickleGlobalKind.Parameter, [TorchTensor data, ..]) => data,
        (PickleGlobalKind.Tensor, [TorchStorage { ElementType: { } type } storage, long offset, PickleTuple shape, PickleTuple strides, ..])
            => new TorchTensor(storage, type, offset, Numbers(shape, budget, location), Numbers(strides, budget, location)),
        (PickleGlobalKind.TypedTensor, [TorchStorage storage, long offset, PickleTuple shape, PickleTuple strides, _, _, PickleGlobal { Kind: PickleGlobalKind.ElementType, ElementType: { } type }, ..])
            => new TorchTensor(storage, type, offset, Numbers(shape, budget, location), Numbers(strides, budget, location)),
        _ => throw new InvalidDataException($"'{location}': the pickle is broken: {callee.FullName} is given ({string.Join(", ", arguments.Items.Select(Describe))})."),
    };

    private static IReadOnlyList<object?> Copied(IReadOnlyList<object?> items, PickleBudget budget)
    {
        budget.Copy(items.Count);
        return items;
    }

    private static string Copied(string text, PickleBudget budget)
    {
        budget.Copy(text.Length / 4 + 1);
        return text;
    }

    private static PickleDictionary Pairs(PickleList pairs, PickleBudget budget, string location)
    {
        budget.Copy(pairs.Count);
        var dictionary = new PickleDictionary();
        foreach (object? pair in pairs)
        {
            IReadOnlyList<object?>? items = pair is PickleTuple tuple ? tuple.Items : pair as PickleList;
            if (items is not [string key, object value]) throw new InvalidDataException($"'{location}': the pickle is broken: an OrderedDict is given something that is not a pair.");
            dictionary.Set(key, value);
        }
        return dictionary;
    }

    private static long[] Numbers(PickleTuple tuple, PickleBudget budget, string location)
        => [.. Copied(tuple.Items, budget).Select(i => i is long number ? number : throw new InvalidDataException($"'{location}': the pickle is broken: a size or stride is {Describe(i)}."))];

    private static string Describe(object? value) => value switch
    {
        null => "None",
        long number => number.ToString(CultureInfo.InvariantCulture),
        PickleGlobal global => global.FullName,
        _ => value.GetType().Name,
    };
}
