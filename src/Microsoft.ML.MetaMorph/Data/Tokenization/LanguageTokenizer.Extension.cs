using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph;

// Tokens added to a published vocabulary.
public sealed partial class LanguageTokenizer
{
    /// <summary>The same tokenizer with more special tokens, each with the next free id; tokens that it already has stay as they are.</summary>
    /// <param name="tokens">Spellings, for example <c>&lt;image_start&gt;</c> and <c>&lt;image_end&gt;</c>.</param>
    /// <exception cref="ArgumentException">A token is empty.</exception>
    public LanguageTokenizer WithSpecialTokens(params IEnumerable<string> tokens)
    {
        ArgumentNullException.ThrowIfNull(tokens);
        string[] missing = [.. tokens.Distinct().Where(t => _pipeline.Added.Find(t) is not { Special: true })];
        if (missing.Any(string.IsNullOrEmpty)) throw new ArgumentException("A special token cannot be empty.", nameof(tokens));
        if (missing.Length == 0) return this;
        JsonObject root = JsonNode.Parse(Files.Contents[TokenizerFiles.Tokenizer])!.AsObject();
        JsonArray added = root["added_tokens"] as JsonArray ?? [];
        root["added_tokens"] = added;
        int next = HighestId + 1;
        foreach (string token in missing)
        {
            foreach (JsonNode? same in added.Where(t => (string?)t?["content"] == token).ToArray()) added.Remove(same);
            added.Add(TokenizerJson.SpecialToken(TokenId(token) ?? next++, token));
        }
        return Load(Files.With(TokenizerFiles.Tokenizer, TokenizerJson.Bytes(root)));
    }
}
