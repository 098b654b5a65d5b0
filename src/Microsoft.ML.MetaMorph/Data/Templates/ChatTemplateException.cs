namespace Microsoft.ML.MetaMorph;

/// <summary>A chat template is missing, is not well formed, refuses a conversation, or uses up what a template may use.</summary>
/// <remarks>
/// Pipelines and responders throw <see cref="InvalidDataException"/>, which names the row or the conversation; this exception is then its
/// <see cref="Exception.InnerException"/> and tells what the template said.
/// </remarks>
public sealed class ChatTemplateException : Exception
{
    /// <summary>Creates the exception.</summary>
    /// <param name="message">The message, with the file.</param>
    public ChatTemplateException(string message)
        : base(message)
    {
    }

    internal ChatTemplateException(string location, JinjaError error)
        : base($"{location}{(error.Line > 0 ? $", line {error.Line}" : "")}: the chat template failed with {error.Message}", error)
    {
        Kind = error.Kind;
        Reason = error.Text;
    }

    internal ChatTemplateException(string location, string text, string kind, string reason)
        : base($"{location}: {text}.")
    {
        Kind = kind;
        Reason = reason;
    }

    /// <summary>The name that Python's jinja2 gives such an error, for example <c>TemplateError</c> where the template refuses the conversation; empty where there is no template.</summary>
    public string Kind { get; } = "";

    /// <summary>The error's own text, for example what the template says to the conversation.</summary>
    public string Reason { get; } = "";
}
