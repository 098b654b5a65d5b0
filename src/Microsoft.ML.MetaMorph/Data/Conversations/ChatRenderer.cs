namespace Microsoft.ML.MetaMorph;

/// <summary>Renders messages as a model was trained to read them: a chat template.</summary>
/// <param name="messages">The messages.</param>
/// <param name="addGenerationPrompt">Whether the text ends where the assistant is to speak.</param>
/// <exception cref="ChatTemplateException">The template refuses these messages.</exception>
internal delegate string ChatRenderer(IReadOnlyList<ConversationMessage> messages, bool addGenerationPrompt);
