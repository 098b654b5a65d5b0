using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Broken and unusual files end in one error that names the file and the place.</summary>
[TestClass]
public sealed class TokenizerHostileFileTests
{
    [TestMethod]
    [DataRow("", "JSON")]
    [DataRow("{", "JSON")]
    [DataRow("[]", "must be an object")]
    [DataRow("{}", "model")]
    [DataRow("""{ "model": 3 }""", "model")]
    [DataRow("""{ "model": { "type": "Markov" } }""", "Markov")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": -1 }, "merges": [] } }""", "model.vocab.a")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": 2147483647 }, "merges": [] } }""", "model.vocab.a must be a token id of at most 1073741823, but is 2147483647.")]
    [DataRow("""{ "added_tokens": [{ "id": 1073741824, "content": "<x>" }], "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [] } }""", "added_tokens[0].id must be a token id of at most 1073741823, but is 1073741824.")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": 99999999999 }, "merges": [] } }""", "model.vocab.a")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a b"] } }""", "'b' is not in the vocabulary")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a a"] } }""", "'aa' is not in the vocabulary")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": ["a"] } }""", "model.merges[0]")]
    [DataRow("""{ "model": { "type": "BPE", "vocab": { "a": 0 }, "merges": [["a", "a", "a"]] } }""", "3 tokens")]
    [DataRow("""{ "model": { "type": "Unigram", "unk_id": 4, "vocab": [["a", 0]] } }""", "unk_id 4")]
    [DataRow("""{ "model": { "type": "Unigram", "vocab": [] } }""", "empty vocabulary")]
    [DataRow("""{ "model": { "type": "Unigram", "vocab": [["a"]] } }""", "a token and its score")]
    [DataRow("""{ "model": { "type": "WordPiece", "vocab": { "a": 0 } } }""", "[UNK]")]
    public void ABrokenFileIsNamed(string content, string part)
    {
        using var folder = new TokenizerFolder(content);
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => LanguageTokenizer.Load(folder.Path));
        StringAssert.Contains(error.Message, Path.Combine(folder.Path, "tokenizer.json"));
        StringAssert.Contains(error.Message, part);
    }

    [TestMethod]
    [DataRow("normalizer", """{ "type": "Spelling" }""", "normalizer 'Spelling'")]
    [DataRow("normalizer", """{ "type": "Precompiled", "precompiled_charsmap": "!" }""", "base64")]
    [DataRow("normalizer", """{ "type": "Precompiled", "precompiled_charsmap": "/////w==" }""", "4294967295")]
    [DataRow("normalizer", """{ "type": "Sequence", "normalizers": [{ "type": "NFC" }, { "type": "Odd" }] }""", "normalizers[1]")]
    [DataRow("pre_tokenizer", """{ "type": "UnicodeScripts" }""", "UnicodeScripts")]
    [DataRow("pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "(" }, "behavior": "Isolated" }""", "regular expression")]
    [DataRow("pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "[a&&b]" }, "behavior": "Isolated" }""", "&&")]
    [DataRow("pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "\\X" }, "behavior": "Isolated" }""", "\\X")]
    [DataRow("pre_tokenizer", """{ "type": "Split", "pattern": { "Regex": "\\p{Cherokee}" }, "behavior": "Isolated" }""", "Cherokee")]
    [DataRow("pre_tokenizer", """{ "type": "Split", "pattern": { "String": "" }, "behavior": "Isolated" }""", "empty pattern")]
    [DataRow("pre_tokenizer", """{ "type": "Split", "pattern": { "String": "a" }, "behavior": "Sideways" }""", "Sideways")]
    [DataRow("pre_tokenizer", """{ "type": "Metaspace", "replacement": "ab" }""", "one character")]
    [DataRow("post_processor", """{ "type": "TemplateProcessing", "single": [{ "SpecialToken": { "id": "<q>", "type_id": 0 } }], "special_tokens": {} }""", "<q>")]
    [DataRow("post_processor", """{ "type": "Chat" }""", "post-processor 'Chat'")]
    [DataRow("decoder", """{ "type": "CTC" }""", "decoder 'CTC'")]
    [DataRow("added_tokens", """[{ "id": 3, "content": "<x>" }, { "id": 3, "content": "<y>" }]""", "share the id 3")]
    [DataRow("added_tokens", """[{ "content": "<x>" }]""", "id")]
    public void AnUnsupportedComponentIsRefusedByName(string component, string value, string part)
    {
        using TokenizerFolder folder = TokenizerFolder.With(component, value);
        InvalidDataException error = Assert.ThrowsExactly<InvalidDataException>(() => LanguageTokenizer.Load(folder.Path));
        StringAssert.Contains(error.Message, Path.Combine(folder.Path, "tokenizer.json"));
        StringAssert.Contains(error.Message, part);
    }

    [TestMethod]
    public void DeepNestingIsRefused()
    {
        string nested = string.Concat(Enumerable.Repeat("""{ "type": "Sequence", "normalizers": [""", 5000)) + string.Concat(Enumerable.Repeat("]}", 5000));
        using var folder = new TokenizerFolder($$"""{ "normalizer": {{nested}} }""");
        StringAssert.Contains(Assert.ThrowsExactly<InvalidDataException>(() => LanguageTokenizer.Load(folder.Path)).Message, "tokenizer.json");
    }

    [TestMethod]
    public void MergesThatLeadInCirclesEnd()
    {
        JsonObject root = TokenizerFolder.Small();
        root["model"] = JsonNode.Parse("""{ "type": "BPE", "vocab": { "a": 0, "aa": 1, "aaa": 2 }, "merges": ["a aa", "aa a", "a a", "a a"] }""");
        using var folder = new TokenizerFolder(root.ToJsonString());
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(folder.Path);
        foreach (int length in new[] { 1, 2, 3, 4, 7, 100, 5000 })
        {
            string text = new('a', length);
            Assert.AreEqual(text, string.Concat(tokenizer.Encode(text).Select(tokenizer.TokenText)));
        }
    }

    [TestMethod]
    public void ALongWordTakesNoSquareOfItsLength()
    {
        LanguageTokenizer tokenizer = LanguageTokenizer.Train(["aaaa bbbb abab"]);
        string text = new('a', 1 << 18);
        Assert.AreEqual(text, tokenizer.Decode(tokenizer.Encode(text, addSpecialTokens: false)));
    }

    [TestMethod]
    public void AFolderWithoutTheFileSaysWhatToDo()
    {
        using var folder = new TokenizerFolder();
        FileNotFoundException error = Assert.ThrowsExactly<FileNotFoundException>(() => LanguageTokenizer.Load(folder.Path));
        StringAssert.Contains(error.Message, folder.Path);
        StringAssert.Contains(error.Message, "save_pretrained");
        Assert.ThrowsExactly<FileNotFoundException>(() => LanguageTokenizer.Load(Path.Combine(folder.Path, "nowhere")));
    }

    /// <summary>Thirty normalizers that each make ten characters of one would make 10^30 of one.</summary>
    [TestMethod]
    public void ATextThatNormalizersMakeGrowWithoutEndIsRefused()
    {
        string steps = string.Join(", ", Enumerable.Repeat("""{ "type": "Replace", "pattern": { "String": "a" }, "content": "aaaaaaaaaa" }""", 30));
        using TokenizerFolder folder = TokenizerFolder.With("normalizer", $$"""{ "type": "Sequence", "normalizers": [{{steps}}] }""");
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(folder.Path);
        Assert.AreEqual(
            $"{Path.Combine(folder.Path, "tokenizer.json")}: normalizer.normalizers[3] ('Replace') makes at least 10000 characters of 1000, and 1088 are allowed for this text: a normalizer may make a text at most about 64 times as long.",
            Assert.ThrowsExactly<InvalidDataException>(() => tokenizer.EncodeToIds("a")).Message);
    }

    [TestMethod]
    [DataRow("""{ "type": "Replace", "pattern": { "Regex": "" }, "content": "CONTENT" }""", "Replace")]
    [DataRow("""{ "type": "Replace", "pattern": { "String": "b" }, "content": "CONTENT" }""", "Replace")]
    [DataRow("""{ "type": "Prepend", "prepend": "CONTENT" }""", "Prepend")]
    public void OneNormalizerThatWritesABookIsRefused(string normalizer, string type)
    {
        using TokenizerFolder folder = TokenizerFolder.With("normalizer", normalizer.Replace("CONTENT", new string('a', 5000)));
        LanguageTokenizer tokenizer = LanguageTokenizer.Load(folder.Path);
        string message = Assert.ThrowsExactly<InvalidDataException>(() => tokenizer.EncodeToIds("ab")).Message;
        StringAssert.StartsWith(message, $"{Path.Combine(folder.Path, "tokenizer.json")}: normalizer ('{type}') makes at least ");
        StringAssert.Contains(message, " characters of 2, and 1152 are allowed for this text");
    }

    [TestMethod]
    public void AListOfNormalizersMayGrowAsUnicodeDoes()
    {
        using TokenizerFolder folder = TokenizerFolder.With("normalizer", """{ "type": "Sequence", "normalizers": [{ "type": "NFKC" }, { "type": "Prepend", "prepend": "a" }] }""");
        Assert.HasCount(1, LanguageTokenizer.Load(folder.Path).EncodeToIds("b"));     // "ab"
        Assert.AreEqual(18, new UnicodeFormNormalizer(System.Text.NormalizationForm.FormKC).Normalize("\uFDFA").Length);
    }
}
