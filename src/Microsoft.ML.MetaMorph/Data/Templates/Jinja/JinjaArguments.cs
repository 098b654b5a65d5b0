namespace Microsoft.ML.MetaMorph;

/// <summary>What a call passes.</summary>
internal sealed class JinjaArguments(IReadOnlyList<object?> positional, IReadOnlyDictionary<string, object?> named)
{
    /// <summary>Marks a parameter that must be given.</summary>
    public static readonly object Required = new();

    public static readonly JinjaArguments Empty = new([], new Dictionary<string, object?>());

    public IReadOnlyList<object?> Positional => positional;

    public IReadOnlyDictionary<string, object?> Named => named;

    /// <summary>The values of a function's parameters, in their order.</summary>
    public object?[] Bind(string function, params ReadOnlySpan<(string Name, object? Otherwise)> parameters)
    {
        if (positional.Count > parameters.Length) throw JinjaError.OfType($"{function}() takes {parameters.Length} arguments, {positional.Count} were given");
        var values = new object?[parameters.Length];
        int used = 0;
        for (int i = 0; i < parameters.Length; i++)
        {
            bool isNamed = named.TryGetValue(parameters[i].Name, out object? value);
            if (isNamed) used++;
            if (i < positional.Count && isNamed) throw JinjaError.OfType($"{function}() got multiple values for argument '{parameters[i].Name}'");
            values[i] = i < positional.Count ? positional[i] : isNamed ? value : parameters[i].Otherwise;
            if (ReferenceEquals(values[i], Required)) throw JinjaError.OfType($"{function}() missing argument '{parameters[i].Name}'");
        }
        if (used < named.Count) throw JinjaError.OfType($"{function}() got an unexpected keyword argument among {string.Join(", ", named.Keys)}");
        return values;
    }

    /// <summary>The same call without its first positional argument.</summary>
    public JinjaArguments Skip(int count) => new([.. positional.Skip(count)], named);
}
