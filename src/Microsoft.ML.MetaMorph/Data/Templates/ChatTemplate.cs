namespace Microsoft.ML.MetaMorph;

internal sealed class ChatTemplate
{
    public static ChatTemplate Read(TokenizerFiles files) => new();
}
