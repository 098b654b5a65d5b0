namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Finds, in a conversation rendered by any chat template, the text that the assistant wrote: what the model has to learn.
/// Templates do not tell; so each response is rendered once more with a probe in its place. What stands before and after the probe is the
/// template's, and what is left in the real rendering is the response, as trimmed or rewritten by the template.
/// </summary>
/// <remarks>
/// A response begins where the generation prompt ends, because that is where the model will start to write (Qwen 3 inserts an empty thought
/// there, Llama 2 a space). It ends with the mark that closes the turn (<c>&lt;|eot_id|&gt;</c>, <c>&lt;/s&gt;</c>), without the white space
/// that some templates put between turns.
/// </remarks>
internal static class ResponseSpans
{
    /// <summary>Private-use characters, which neither occur in data nor mean anything to a template, around letters that survive trimming.</summary>
    private const string Probe = "\uE0F1response\uE0F2";

    /// <summary>Renders the conversation and gives the range of each response in it, in order.</summary>
    /// <param name="render">The template.</param>
    /// <param name="messages">The messages.</param>
    /// <param name="row">Begins messages about the row.</param>
    /// <exception cref="InvalidDataException">The template refuses the messages, or what it writes for a response cannot be told from the rest.</exception>
    public static (string Text, IReadOnlyList<Range> Responses) Render(ChatRenderer render, IReadOnlyList<ConversationMessage> messages, string row)
    {
        string text = render(messages, false);
        var spans = new List<Range>();
        int end = 0;
        for (int turn = 0; turn < messages.Count; turn++)
        {
            if (!messages[turn].IsResponse) continue;
            (int start, int stop) = Locate(render, messages, turn, text, row);
            if (start < end || stop < start) throw Failure(row, turn, "what it writes for this response overlaps the response before");
            spans.Add(start..stop);
            end = stop;
        }
        return (text, spans);
    }

    private static (int Start, int End) Locate(ChatRenderer render, IReadOnlyList<ConversationMessage> messages, int turn, string text, string row)
    {
        var probed = new List<ConversationMessage>(messages) { [turn] = messages[turn] with { Text = Probe } };
        (string Before, string After)? whole = Around(TryRender(render, probed, false));
        int start = Start(render, messages, turn, text, whole?.Before)
            ?? throw Failure(row, turn, "neither the generation prompt nor what stands before a probe in its place begins the rendered conversation");
        if (whole is { After: var after } && text.EndsWith(after, StringComparison.Ordinal) && text.Length - after.Length >= start)
        {
            string? closing = turn == messages.Count - 1 ? after : Around(TryRender(render, probed[..(turn + 1)], false))?.After;
            if (closing is not null) return (start, text.Length - after.Length + ClosingLength(closing, after));
        }
        string? prefix = TryRender(render, [.. messages.Take(turn + 1)], false);
        if (prefix is not null && text.StartsWith(prefix, StringComparison.Ordinal) && prefix.TrimEnd().Length >= start) return (start, prefix.TrimEnd().Length);
        throw Failure(row, turn, "what it writes after this response depends on the response's text");
    }

    private static int? Start(ChatRenderer render, IReadOnlyList<ConversationMessage> messages, int turn, string text, string? beforeProbe)
    {
        string? prompt = turn > 0 ? TryRender(render, [.. messages.Take(turn)], true) : null;
        if (prompt is not null && text.StartsWith(prompt, StringComparison.Ordinal)) return prompt.Length;
        if (beforeProbe is not null && text.StartsWith(beforeProbe, StringComparison.Ordinal)) return beforeProbe.Length;
        return turn > 0 ? StartOfVerbatim(TryRender(render, [.. messages.Take(turn)], false), prompt ?? beforeProbe, messages[turn].Text.Trim(), text) : null;
    }

    /// <summary>
    /// Where the prompt says more than this response's header (an empty thought, and the response brings its own): the response itself, word for
    /// word, between the end of the message before and the place where text and prompt part.
    /// </summary>
    private static int? StartOfVerbatim(string? before, string? prompt, string response, string text)
    {
        if (before is null || prompt is null || response.Length == 0 || !text.StartsWith(before, StringComparison.Ordinal)) return null;
        int at = text.IndexOf(response, before.Length, StringComparison.Ordinal);
        return at >= 0 && at <= text.AsSpan().CommonPrefixLength(prompt) ? at : null;
    }

    /// <summary>
    /// How much of what follows a response closes it: what also follows it when it is the last message, without trailing white space;
    /// white space alone is kept, for then it is the mark that ends the turn.
    /// </summary>
    private static int ClosingLength(string closing, string after)
    {
        int shared = closing.AsSpan().CommonPrefixLength(after);
        ReadOnlySpan<char> common = closing.AsSpan(0, shared);
        if (shared < closing.TrimEnd().Length) common = WithoutOpenTag(common);
        ReadOnlySpan<char> trimmed = common.TrimEnd();
        return trimmed.IsEmpty ? common.Length : trimmed.Length;
    }

    /// <summary>Two different tags share their first characters (<c>&lt;/s&gt;</c> and <c>&lt;user&gt;</c>): a tag that does not end is not shared.</summary>
    private static ReadOnlySpan<char> WithoutOpenTag(ReadOnlySpan<char> text)
    {
        int angle = text.LastIndexOf('<'), square = text.LastIndexOf('[');
        if (angle >= 0 && text[angle..].IndexOf('>') < 0) text = text[..angle];
        return square >= 0 && square < text.Length && text[square..].IndexOf(']') < 0 ? text[..square] : text;
    }

    /// <summary>What stands before and after the probe, if the probe is there once.</summary>
    private static (string Before, string After)? Around(string? rendered)
    {
        int at = rendered?.IndexOf(Probe, StringComparison.Ordinal) ?? -1;
        if (at < 0 || rendered!.LastIndexOf(Probe, StringComparison.Ordinal) != at) return null;
        return (rendered[..at], rendered[(at + Probe.Length)..]);
    }

    /// <summary>Null where the template refuses: a part of a conversation is not always a conversation to it, and another way is tried then.</summary>
    private static string? TryRender(ChatRenderer render, IReadOnlyList<ConversationMessage> messages, bool addGenerationPrompt)
    {
        try
        {
            return render(messages, addGenerationPrompt);
        }
        catch (ChatTemplateException)
        {
            return null;
        }
    }

    private static InvalidDataException Failure(string row, int turn, string reason) => new(
        $"{row}, message {turn}: the chat template does not let the assistant's text be found, so that it cannot be learned: {reason}. "
        + "Use a template that writes each message with its own beginning and end.");
}
