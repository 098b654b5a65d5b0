using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary><c>a + b</c> and the other operators of two values.</summary>
internal sealed class JinjaBinary(string symbol, JinjaExpression left, JinjaExpression right, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context) => JinjaArithmetic.Apply(symbol, left.Evaluate(context), right.Evaluate(context), context);
}

/// <summary><c>-a</c>, <c>+a</c></summary>
internal sealed class JinjaSign(bool isMinus, JinjaExpression operand, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        object? value = operand.Evaluate(context);
        return value switch
        {
            bool flag => (object)(isMinus ? flag ? -1L : 0L : flag ? 1L : 0L),
            long number => isMinus ? JinjaArithmetic.Exactly(() => checked(-number)) : number,
            double number => isMinus ? -number : number,
            JinjaUndefined undefined => throw undefined.Error(),
            _ => throw JinjaError.OfType($"bad operand type for unary {(isMinus ? '-' : '+')}: '{JinjaType.Name(value)}'"),
        };
    }
}

/// <summary><c>a ~ b ~ c</c></summary>
internal sealed class JinjaConcatenation(IReadOnlyList<JinjaExpression> parts, int line) : JinjaExpression(line)
{
    protected override object? Compute(JinjaContext context)
    {
        var result = new StringBuilder();
        foreach (JinjaExpression part in parts) result.Append(context.Budget.Count(context.Text(part.Evaluate(context))));
        return context.Budget.Count(result.ToString());
    }
}

/// <summary>Python's operators.</summary>
internal static class JinjaArithmetic
{
    public static object? Apply(string symbol, object? left, object? right, JinjaContext context)
    {
        if (left is JinjaUndefined undefined) throw undefined.Error();
        if (symbol == "%" && left is string format) return JinjaFormat.Percent(format, right, context);
        if (right is JinjaUndefined other) throw other.Error();
        if (JinjaType.IsNumber(left) && JinjaType.IsNumber(right)) return Numbers(symbol, left, right);
        object? combined = symbol switch
        {
            "+" => Join(left, right, context),
            "*" => Repeat(left, right, context) ?? Repeat(right, left, context),
            _ => null,
        };
        return combined ?? throw Unsupported(symbol, left, right);
    }

    public static long Exactly(Func<long> compute)
    {
        try
        {
            return compute();
        }
        catch (OverflowException)
        {
            throw new JinjaError("OverflowError", "the result needs more than 64 bits");
        }
    }

    private static object? Join(object? left, object? right, JinjaContext context)
    {
        switch (left, right)
        {
            case (string a, string b):
                context.Budget.Reserve((long)a.Length + b.Length);
                return a + b;
            case (List<object?> a, List<object?> b):
                context.Budget.Reserve((long)a.Count + b.Count);
                return new List<object?>([.. a, .. b]);
            case (JinjaTuple a, JinjaTuple b):
                context.Budget.Reserve((long)a.Items.Count + b.Items.Count);
                return new JinjaTuple([.. a.Items, .. b.Items]);
            default: return null;
        }
    }

    private static object? Repeat(object? sequence, object? count, JinjaContext context)
    {
        if (count is not (long or bool)) return null;
        long times = Math.Max(0, JinjaType.ToInteger(count, "a count"));
        IReadOnlyList<object?>? items = sequence switch { List<object?> list => list, JinjaTuple tuple => tuple.Items, _ => null };
        long length = sequence is string s ? s.Length : items?.Count ?? 0;
        context.Budget.Reserve((long)Math.Min((double)length * times, long.MaxValue / 2));
        if (sequence is string text) return text.Length == 0 ? "" : new StringBuilder().Insert(0, text, (int)times).ToString();
        if (items is null) return null;
        var repeated = new List<object?>();
        for (long i = 0; i < times && length > 0; i++) repeated.AddRange(items);
        return sequence is JinjaTuple ? new JinjaTuple(repeated) : repeated;
    }

    private static object? Numbers(string symbol, object? left, object? right)
    {
        if (symbol == "/") return Divide(JinjaType.ToDouble(left), JinjaType.ToDouble(right));
        if (left is double || right is double) return Floats(symbol, JinjaType.ToDouble(left), JinjaType.ToDouble(right));
        long a = JinjaType.ToInteger(left, "an operand"), b = JinjaType.ToInteger(right, "an operand");
        return symbol switch
        {
            "+" => Exactly(() => checked(a + b)),
            "-" => Exactly(() => checked(a - b)),
            "*" => Exactly(() => checked(a * b)),
            "//" => FloorDivide(a, b),
            "%" => b == 0 ? throw DivisionByZero() : b == -1 ? 0 : (a % b + b) % b,
            "**" => Power(a, b),
            _ => throw Unsupported(symbol, left, right),
        };
    }

    private static double Floats(string symbol, double a, double b) => symbol switch
    {
        "+" => a + b,
        "-" => a - b,
        "*" => a * b,
        "//" => Math.Floor(Divide(a, b)),
        "%" => b == 0 ? throw DivisionByZero() : a - b * Math.Floor(a / b),
        "**" => Math.Pow(a, b),
        _ => throw new JinjaError(JinjaError.Syntax, $"'{symbol}' is no operator"),
    };

    private static double Divide(double a, double b) => b == 0 ? throw DivisionByZero() : a / b;

    private static long FloorDivide(long a, long b)
    {
        if (b == 0) throw DivisionByZero();
        return Exactly(() => checked(a / b) - (a % b != 0 && a < 0 != b < 0 ? 1 : 0));
    }

    private static object Power(long a, long b)
    {
        if (b < 0) return a == 0 ? throw DivisionByZero() : Math.Pow(a, b);
        return Exactly(() =>
        {
            long result = 1;
            // every factor but 0, 1 and -1 overflows within 64 steps
            if (a is 0 or 1) return b == 0 ? 1 : a;
            if (a == -1) return b % 2 == 0 ? 1 : -1;
            for (long i = 0; i < b; i++) result = checked(result * a);
            return result;
        });
    }

    private static JinjaError DivisionByZero() => new("ZeroDivisionError", "division by zero");

    private static JinjaError Unsupported(string symbol, object? left, object? right) => symbol == "+" && left is (string or List<object?> or JinjaTuple)
        ? JinjaError.OfType($"can only concatenate {JinjaType.Name(left)} (not \"{JinjaType.Name(right)}\") to {JinjaType.Name(left)}")
        : JinjaError.OfType($"unsupported operand type(s) for {symbol}: '{JinjaType.Name(left)}' and '{JinjaType.Name(right)}'");
}
