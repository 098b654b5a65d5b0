using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Ids, spellings, types and texts as the published library gives them.</summary>
internal static class TokenizerReference
{
    private static readonly string[] Known = ["text", "ids", "ids_with_specials", "tokens", "tokens_with_specials", "decoded", "decoded_skip_special"];

    [ReferenceKind("tokenizer")]
    public static void Check(ReferenceCase reference)
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(reference.Folder);
        if (reference.Json.TryGetProperty("specials", out JsonElement specials))
        {
            foreach (JsonProperty special in specials.EnumerateObject()) Assert.AreEqual(special.Value.GetInt32(), tokenizer.TokenId(special.Name), $"{reference.Name}: id of {special.Name}");
        }
        if (reference.Json.TryGetProperty("vocab_size", out JsonElement size)) Assert.AreEqual(size.GetInt32(), tokenizer.VocabularySize, $"{reference.Name}: vocabulary size");
        foreach (JsonElement text in reference.Json.GetProperty("cases").EnumerateArray()) CheckText(reference, tokenizer, text);
        foreach (JsonElement ids in Entries(reference, "decode")) CheckDecoding(reference, tokenizer, Numbers(ids, "ids"), ids);
        if (reference.Json.TryGetProperty("pair", out JsonElement pair)) CheckPair(reference, tokenizer, pair);
    }

    private static IEnumerable<JsonElement> Entries(ReferenceCase reference, string name) => reference.Json.TryGetProperty(name, out JsonElement list) ? list.EnumerateArray() : [];

    private static void CheckText(ReferenceCase reference, LanguageTokenizer tokenizer, JsonElement entry)
    {
        string text = entry.GetProperty("text").GetString()!;
        string what = $"{reference.Name}: '{text}'";
        int[] ids = Numbers(entry, "ids");
        AreEqual(ids, tokenizer.Encode(text, addSpecialTokens: false), $"{what} ids");
        AreEqual(Numbers(entry, "ids_with_specials"), tokenizer.Encode(text), $"{what} ids with special tokens");
        if (entry.TryGetProperty("tokens", out JsonElement tokens)) AreEqual(Texts(tokens), tokenizer.EncodeDetailed(text, null, false).Tokens, $"{what} tokens");
        if (entry.TryGetProperty("tokens_with_specials", out tokens)) AreEqual(Texts(tokens), tokenizer.EncodeDetailed(text, null, true).Tokens, $"{what} tokens with special ones");
        AreEqual(ids, [.. tokenizer.EncodeToIds(text)], $"{what} ids by the inherited method");
        Assert.AreEqual(ids.Length, tokenizer.CountTokens(text), $"{what} count by the inherited method");
        CheckDecoding(reference, tokenizer, ids, entry);
    }

    private static void CheckDecoding(ReferenceCase reference, LanguageTokenizer tokenizer, int[] ids, JsonElement entry)
    {
        string what = $"{reference.Name}: [{string.Join(", ", ids)}]";
        foreach (JsonProperty property in entry.EnumerateObject()) CollectionAssert.Contains(Known, property.Name, $"{what} has a figure that no test compares");
        foreach ((string property, bool skip) in new[] { ("decoded", false), ("decoded_skip_special", true) })
        {
            if (!entry.TryGetProperty(property, out JsonElement expected)) Assert.Fail($"{what} has no figure '{property}'");
            Assert.AreEqual(expected.GetString(), tokenizer.Decode(ids, skip), $"{what} {property}");
            Assert.AreEqual(expected.GetString(), Stream(tokenizer, ids, skip), $"{what} {property}, streamed");
        }
    }

    private static void CheckPair(ReferenceCase reference, LanguageTokenizer tokenizer, JsonElement pair)
    {
        string[] texts = Texts(pair.GetProperty("texts"));
        TokenizerEncoding encoding = tokenizer.EncodeDetailed(texts[0], texts[1], true);
        AreEqual(Numbers(pair, "ids"), encoding.Ids, $"{reference.Name}: ids of a pair");
        AreEqual(Numbers(pair, "type_ids"), encoding.TypeIds, $"{reference.Name}: types of a pair");
    }

    private static string Stream(LanguageTokenizer tokenizer, int[] ids, bool skip)
    {
        IncrementalDecoder decoder = tokenizer.CreateIncrementalDecoder(skip);
        var text = new StringBuilder();
        foreach (int id in ids)
        {
            string part = decoder.Append(id);
            Assert.AreEqual(part, UnicodeCharacter.WellFormed(part), "a part ends within a character");
            text.Append(part);
        }
        return text.Append(decoder.Complete()).ToString();
    }

    private static int[] Numbers(JsonElement entry, string name) => [.. entry.GetProperty(name).EnumerateArray().Select(n => n.GetInt32())];

    private static string[] Texts(JsonElement list) => [.. list.EnumerateArray().Select(t => t.GetString()!)];

    private static void AreEqual<T>(IEnumerable<T> expected, IEnumerable<T> actual, string what)
    {
        if (!expected.SequenceEqual(actual)) Assert.Fail($"{what}\nexpected {string.Join(" ", expected)}\nactual   {string.Join(" ", actual)}");
    }
}
