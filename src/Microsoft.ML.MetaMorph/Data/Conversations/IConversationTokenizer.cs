namespace Microsoft.ML.MetaMorph;

/// <summary>What the encoding of conversations asks of a tokenizer.</summary>
internal interface IConversationTokenizer
{
    int[] Encode(string text, bool addSpecialTokens);

    string Decode(IReadOnlyList<int> ids, bool skipSpecialTokens);

    int? TokenId(string token);
}
