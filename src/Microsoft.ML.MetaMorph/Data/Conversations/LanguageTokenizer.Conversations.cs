namespace Microsoft.ML.MetaMorph;

/// <content>The tokenizer as conversations use it.</content>
public sealed partial class LanguageTokenizer : IConversationTokenizer;
