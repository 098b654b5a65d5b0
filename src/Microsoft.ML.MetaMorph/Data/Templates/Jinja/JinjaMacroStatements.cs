namespace Microsoft.ML.MetaMorph;

/// <summary><c>{% macro f(a, b=1) %}</c></summary>
internal sealed class JinjaMacroDefinition(JinjaMacroSignature signature, IReadOnlyList<JinjaStatement> body, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        context.Scope.Set(signature.Name, new JinjaMacro(signature, body, context.Scope));
        return JinjaFlow.Next;
    }
}

/// <summary><c>{% call(x) f(a) %}…{% endcall %}</c>: the body can be asked for by the macro as <c>caller(x)</c>.</summary>
internal sealed class JinjaCallBlock(JinjaCall call, JinjaMacroSignature signature, IReadOnlyList<JinjaStatement> body, int line) : JinjaStatement(line)
{
    protected override JinjaFlow Execute(JinjaContext context)
    {
        context.Write(context.Text(call.Call(context, new JinjaMacro(signature, body, context.Scope))));
        return JinjaFlow.Next;
    }
}
