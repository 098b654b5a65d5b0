namespace Microsoft.ML.MetaMorph;

/// <summary>A macro with the block that it was defined in, or the body of a <c>call</c> block.</summary>
internal sealed class JinjaMacro(JinjaMacroSignature signature, IReadOnlyList<JinjaStatement> body, JinjaScope definedIn) : IJinjaCallable
{
    public string Name => signature.Name;

    public object? Call(JinjaContext context, JinjaArguments arguments)
    {
        context.Budget.EnterCall();
        try
        {
            return context.InScope(definedIn, scope =>
            {
                Bind(scope, arguments, context);
                return context.Budget.Count(context.Capture(() => JinjaStatement.Run(body, context)));
            });
        }
        finally
        {
            context.Budget.LeaveCall();
        }
    }

    private void Bind(JinjaScope scope, JinjaArguments arguments, JinjaContext context)
    {
        IReadOnlyList<JinjaParameter> parameters = signature.Parameters;
        if (arguments.Positional.Count > parameters.Count && !signature.UsesVarargs) throw JinjaError.OfType($"macro '{Name}' takes not more than {parameters.Count} argument(s)");
        for (int i = 0; i < parameters.Count; i++)
        {
            JinjaParameter parameter = parameters[i];
            bool isNamed = arguments.Named.TryGetValue(parameter.Name, out object? named);
            if (isNamed && i < arguments.Positional.Count) throw JinjaError.OfType($"macro '{Name}' got two values for '{parameter.Name}'");
            scope.Set(parameter.Name, i < arguments.Positional.Count ? arguments.Positional[i]
                : isNamed ? named
                : parameter.Default is { } otherwise ? otherwise.Evaluate(context)
                : new JinjaUndefined($"parameter '{parameter.Name}' was not provided"));
        }
        scope.Set("varargs", new JinjaTuple([.. arguments.Positional.Skip(parameters.Count)]));
        BindExtra(scope, arguments, context);
    }

    private void BindExtra(JinjaScope scope, JinjaArguments arguments, JinjaContext context)
    {
        var extra = new JinjaDictionary(context.Budget);
        scope.Set("caller", JinjaUndefined.Name("caller"));
        foreach ((string name, object? value) in arguments.Named)
        {
            if (signature.Parameters.Any(p => p.Name == name)) continue;
            if (name == "caller" && signature.UsesCaller) scope.Set(name, value);
            else if (signature.UsesKeywords) extra[name] = value;
            else throw JinjaError.OfType($"macro '{Name}' takes no keyword argument '{name}'");
        }
        scope.Set("kwargs", extra);
    }
}

/// <summary>A parameter of a macro.</summary>
internal sealed record JinjaParameter(string Name, JinjaExpression? Default);

/// <summary>What a macro takes; the special variables count only where its body mentions them.</summary>
internal sealed record JinjaMacroSignature(string Name, IReadOnlyList<JinjaParameter> Parameters, bool UsesVarargs, bool UsesKeywords, bool UsesCaller);
