using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The state of one rendering: variables, output, budget.</summary>
internal sealed class JinjaContext
{
    private StringBuilder _output = new();

    public JinjaContext(Func<DateTime> clock, JinjaBudget budget)
    {
        Clock = clock;
        Budget = budget;
        Equality = new JinjaEquality(budget);
        Scope = new JinjaScope(JinjaGlobals.Create());
    }

    public JinjaBudget Budget { get; }

    public Func<DateTime> Clock { get; }

    public JinjaEquality Equality { get; }

    public JinjaScope Scope { get; private set; }

    public object? Lookup(string name)
    {
        Budget.Work(name.Length);
        return Scope.TryGet(name, out object? value) ? value : JinjaUndefined.Name(name);
    }

    public void Write(string text)
    {
        Budget.Reserve(text.Length);
        if (_output.Length + (long)text.Length > JinjaBudget.MaximumLength) throw new JinjaError(JinjaError.Limit, $"the template writes more than {JinjaBudget.MaximumLength:N0} characters");
        _output.Append(text);
    }

    public string Text(object? value) => JinjaText.Str(value, Budget);

    public string TakeOutput() => _output.ToString();

    /// <summary>Runs something in a block of its own, inside the present one.</summary>
    public T InScope<T>(Func<JinjaScope, T> body) => InScope(Scope, body);

    /// <summary>Runs something in a new block inside <paramref name="outer"/>.</summary>
    public T InScope<T>(JinjaScope outer, Func<JinjaScope, T> body)
    {
        JinjaScope before = Scope;
        Scope = new JinjaScope(outer);
        try
        {
            return body(Scope);
        }
        finally
        {
            Scope = before;
        }
    }

    /// <summary>Runs something and gives what it wrote.</summary>
    public string Capture(Action body)
    {
        StringBuilder before = _output;
        _output = new StringBuilder();
        try
        {
            body();
            return _output.ToString();
        }
        finally
        {
            _output = before;
        }
    }
}
