using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary><see cref="BytePairTrainingOptions.DefaultChatTemplate"/> once more, without a template engine.</summary>
internal static class MetaMorphChatFormat
{
    /// <summary>The added tokens that the format needs.</summary>
    public static IReadOnlyList<string> Tokens { get; } = ["<|begin_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"];

    /// <summary>A <see cref="ChatRenderer"/>.</summary>
    public static string Render(IReadOnlyList<ConversationMessage> messages, bool addGenerationPrompt)
    {
        var text = new StringBuilder("<|begin_of_text|>");
        foreach (ConversationMessage message in messages)
            text.Append("<|start_header_id|>").Append(message.Role).Append("<|end_header_id|>\n").Append(message.Text).Append("<|eot_id|>");
        if (addGenerationPrompt) text.Append("<|start_header_id|>assistant<|end_header_id|>\n");
        return text.ToString();
    }
}
