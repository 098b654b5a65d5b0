using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.MetaMorph;

/// <summary>The leaves of nested dictionaries, lists and tuples under joined names.</summary>
internal static class CheckpointTree
{
    /// <summary>Deeper nesting is no checkpoint; the bound also ends a container that holds itself.</summary>
    private const int DepthLimit = 200;

    /// <summary>The characters of all names together; the bound also ends lists that hold one another many times over.</summary>
    private const long NameLimit = 100_000_000;

    /// <summary>Every value that is not a container, with dictionary keys and list indices joined by <paramref name="separator"/>.</summary>
    /// <exception cref="InvalidDataException">Nesting is deeper, or leaves are more, than a checkpoint's.</exception>
    public static List<KeyValuePair<string, object?>> Leaves(object? root, string separator, string location)
    {
        var leaves = new List<KeyValuePair<string, object?>>();
        long characters = 0;
        Visit(root, "", 0);
        return leaves;

        void Visit(object? node, string path, int depth)
        {
            if (depth > DepthLimit) throw new InvalidDataException($"'{location}': containers are nested more than {DepthLimit} deep at '{path[..Math.Min(path.Length, 80)]}'.");
            characters += path.Length + 1;
            if (characters > NameLimit) throw new InvalidDataException($"'{location}': the names of its values have more than {NameLimit} characters together.");
            switch (node)
            {
                case PickleDictionary dictionary:
                    foreach ((object? key, object? value) in dictionary.Entries) Visit(value, Join(path, Text(key)), depth + 1);
                    break;
                case PickleList list:
                    for (int i = 0; i < list.Count; i++) Visit(list[i], Join(path, Text((long)i)), depth + 1);
                    break;
                case PickleTuple tuple:
                    for (int i = 0; i < tuple.Count; i++) Visit(tuple.Items[i], Join(path, Text((long)i)), depth + 1);
                    break;
                default:
                    leaves.Add(KeyValuePair.Create(path, node));
                    break;
            }
        }

        string Join(string path, string part) => path.Length == 0 ? part : path + separator + part;

        string Text(object? key) => key switch
        {
            string text => text,
            null => "None",
            bool flag => flag ? "True" : "False",
            long or BigInteger or double => ((IFormattable)key).ToString(null, CultureInfo.InvariantCulture),
            _ => throw new InvalidDataException($"'{location}': a dictionary has a key of the kind {key.GetType().Name}, which makes no name."),
        };
    }
}
