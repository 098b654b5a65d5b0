using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The tokens with a role (<c>bos_token</c>, <c>eos_token</c>, …) that <c>tokenizer_config.json</c> or <c>special_tokens_map.json</c> name.</summary>
internal sealed class SpecialTokenNames
{
    private static readonly string[] Roles = ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"];

    private readonly Dictionary<string, string> _tokens = [];

    public SpecialTokenNames(TokenizerFiles files)
    {
        TokenizerSection?[] sources = [files.Json(TokenizerFiles.Configuration), files.Json(TokenizerFiles.SpecialTokens)];
        foreach (TokenizerSection source in sources.OfType<TokenizerSection>())
        {
            foreach (string role in Roles)
            {
                if (source.Optional(role) is { } value) _tokens.TryAdd(role, Content(value));
            }
            if (Additional.Count == 0 && source.Optional("additional_special_tokens") is { Element.ValueKind: JsonValueKind.Array } list) Additional = [.. list.Items().Select(Content)];
        }
    }

    /// <summary>Role → token.</summary>
    public IReadOnlyDictionary<string, string> Tokens => _tokens;

    public IReadOnlyList<string> Additional { get; } = [];

    public string? this[string role] => _tokens.GetValueOrDefault(role);

    /// <summary>A token is written as a string or as an object with its flags.</summary>
    private static string Content(TokenizerSection value) => value.Element.ValueKind == JsonValueKind.Object ? value.Text("content") : value.AsText();
}
