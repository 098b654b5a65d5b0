using System.Runtime.CompilerServices;

namespace Microsoft.ML.MetaMorph;

/// <summary>What one rendering may use up. Templates come with downloaded models: one that never ends, or never stops growing, ends in an error.</summary>
internal sealed class JinjaBudget
{
    public const int MaximumSource = 1 << 20;
    public const int MaximumSteps = 3_000_000;
    public const int MaximumLength = 1 << 24;
    public const int MaximumRange = 100_000;
    public const int MaximumCalls = 200;

    private const long MaximumTotal = 1L << 28;

    // A conversation has a few million characters at most, and a template goes through each some dozen times.
    private const long MaximumWork = 1L << 28;

    private int _steps;
    private long _total;
    private long _work;
    private int _calls;

    /// <summary>Counts one evaluation, and keeps the native stack from overflowing.</summary>
    public void Step()
    {
        if (++_steps > MaximumSteps) throw Exceeded($"took more than {MaximumSteps:N0} steps");
        EnsureStack();
    }

    public static void EnsureStack()
    {
        if (!RuntimeHelpers.TryEnsureSufficientExecutionStack()) throw Exceeded("is nested too deeply");
    }

    /// <summary>Counts the characters that an operation goes through: one step on a long text may take as long as millions.</summary>
    public void Work(long characters)
    {
        _work += characters;
        if (_work > MaximumWork) throw Exceeded($"went through more than {MaximumWork:N0} characters of texts");
    }

    /// <summary>Counts the texts among the values that an operation is given.</summary>
    public void Work(object? value, JinjaArguments arguments)
    {
        Work(LengthOf(value));
        foreach (object? argument in arguments.Positional) Work(LengthOf(argument));
        foreach (object? argument in arguments.Named.Values) Work(LengthOf(argument));
    }

    /// <summary>Counts a text or list before it is made.</summary>
    public void Reserve(long length)
    {
        if (length > MaximumLength) throw Exceeded($"would make a text or list of {length:N0} elements; {MaximumLength:N0} are allowed");
        _total += length;
        if (_total > MaximumTotal) throw Exceeded($"made texts and lists of more than {MaximumTotal:N0} elements together");
    }

    public string Count(string text)
    {
        Reserve(text.Length);
        return text;
    }

    public void EnterCall()
    {
        if (++_calls > MaximumCalls) throw Exceeded($"called macros more than {MaximumCalls} deep");
    }

    public void LeaveCall() => _calls--;

    private static long LengthOf(object? value) => value is string text ? text.Length : 0;

    private static JinjaError Exceeded(string what) => new(JinjaError.Limit, $"the template {what}");
}
