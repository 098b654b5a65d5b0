namespace Microsoft.ML.MetaMorph;

/// <summary>In which order a row's pictures are given.</summary>
internal enum ConversationImageOrder
{
    /// <summary>First those of the prompts, in the order of their marks, then those of the responses: what two picture columns give.</summary>
    PromptsThenResponses,

    /// <summary>In the order of the marks, whoever speaks: what conversation files give.</summary>
    Marks,
}
