using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The chat format that MetaMorph was trained with: Llama 3's headers with ONE newline after each, where Llama 3's own template has two.
/// The published checkpoints carry Llama's template beside them, so this one has to be known.
/// </summary>
internal static class MetaMorphChatFormat
{
    /// <summary>The same as a chat template, for <c>tokenizer_config.json</c>.</summary>
    public const string Template =
        "{{ '<|begin_of_text|>' }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\n' + message['content'] + '<|eot_id|>' }}{% endfor %}"
        + "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n' }}{% endif %}";

    /// <summary>The added tokens that the format needs.</summary>
    public static IReadOnlyList<string> Tokens { get; } = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"];

    /// <summary>Renders without a template engine; a <see cref="ChatRenderer"/>.</summary>
    public static string Render(IReadOnlyList<ConversationMessage> messages, bool addGenerationPrompt)
    {
        var text = new StringBuilder("<|begin_of_text|>");
        foreach (ConversationMessage message in messages)
            text.Append("<|start_header_id|>").Append(message.Role).Append("<|end_header_id|>\n").Append(message.Text).Append("<|eot_id|>");
        if (addGenerationPrompt) text.Append("<|start_header_id|>assistant<|end_header_id|>\n");
        return text.ToString();
    }
}
