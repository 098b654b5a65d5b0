namespace Microsoft.ML.MetaMorph;

/// <summary>The components of a <c>tokenizer.json</c>, put together: added tokens, normaliser, pre-tokeniser, model, post-processor, decoder. Thread-safe.</summary>
internal sealed class TokenizerPipeline
{
    private readonly PreTokenizationStep? _preTokenization;
    private readonly PostProcessor? _postProcessor;
    private readonly TokenDecoder _decoder;

    private TokenizerPipeline(TokenizerFiles files)
    {
        TokenizerSection root = files.Json(TokenizerFiles.Tokenizer) ?? throw new FileNotFoundException(
            $"{files.Location} has no {TokenizerFiles.Tokenizer}. Save the tokenizer in that format (in Python: AutoTokenizer.from_pretrained(...).save_pretrained(folder)).",
            files.PathOf(TokenizerFiles.Tokenizer));
        Model = SubwordModel.Read(root.Required("model"));
        Normalizer = root.Optional("normalizer") is { } normalizer ? TextNormalizer.Read(normalizer) : null;
        _preTokenization = root.Optional("pre_tokenizer") is { } preTokenizer ? PreTokenizationStep.Read(preTokenizer) : null;
        _postProcessor = root.Optional("post_processor") is { } postProcessor ? PostProcessor.Read(postProcessor) : null;
        _decoder = root.Optional("decoder") is { } decoder ? TokenDecoder.Read(decoder) : new SpacedDecoder();
        Names = new SpecialTokenNames(files);
        Added = new AddedVocabulary(ReadAdded(root, files), Normalizer);
        Check(files);
    }

    public SubwordModel Model { get; }

    public TextNormalizer? Normalizer { get; }

    public AddedVocabulary Added { get; }

    public SpecialTokenNames Names { get; }

    public static TokenizerPipeline Read(TokenizerFiles files) => new(files);

    public int? Id(string token) => Added.Find(token)?.Id ?? Model.Id(token);

    public string? Token(int id) => Added.Find(id)?.Content ?? Model.Token(id);

    /// <summary>The tokens of a text without special ones around it; their places are in <paramref name="normalizedText"/>.</summary>
    public List<SubwordToken> Tokenize(string text, bool normalize, bool preTokenize, System.Text.StringBuilder? normalizedText)
    {
        var tokens = new List<SubwordToken>();
        foreach ((string part, AddedToken? added, bool beginsText) in Parts(UnicodeCharacter.WellFormed(text), normalize))
        {
            int start = normalizedText?.Length ?? TextPiece.Untracked;
            normalizedText?.Append(part);
            if (added is not null)
            {
                tokens.Add(new SubwordToken(added.Id, part, Math.Max(start, 0), part.Length));
                continue;
            }
            var piece = new TextPiece(part, start, null, beginsText);
            foreach (TextPiece cut in preTokenize && _preTokenization is not null ? _preTokenization.Split(piece) : [piece]) AppendTokens(cut, tokens);
        }
        return tokens;
    }

    /// <summary>The arrangement of one text or a pair with the special tokens that belong around them.</summary>
    public IReadOnlyList<TemplatePart> Arrange(bool isPair, bool addSpecialTokens) => _postProcessor?.Arrange(isPair, addSpecialTokens) ?? PostProcessor.Plain(isPair);

    public DecodingStage StartDecoding(DecodedText text) => _decoder.Start(text);

    private IEnumerable<(string Text, AddedToken? Token, bool BeginsText)> Parts(string text, bool normalize) =>
        normalize || Normalizer is null ? Added.Split(text) : new AddedVocabulary(Added.Tokens, null).Split(text);

    private void AppendTokens(TextPiece piece, List<SubwordToken> tokens)
    {
        if (piece.Text.Length == 0) return;
        foreach (SubwordToken token in Model.Tokenize(piece.Text))
        {
            if (!piece.IsTracked)
            {
                tokens.Add(token);
                continue;
            }
            int start = piece.Origin(token.Start);
            tokens.Add(token with { Start = start, Length = piece.Origin(token.Start + token.Length) - start });
        }
    }

    /// <summary>The file's added tokens, then those that only the configuration names, as the Python library adds them.</summary>
    private List<AddedToken> ReadAdded(TokenizerSection root, TokenizerFiles files)
    {
        var added = new Dictionary<string, AddedToken>();
        foreach (TokenizerSection token in root.Items("added_tokens"))
        {
            AddedToken read = AddedToken.Read(token, token.Required("id").AsTokenId());
            added[read.Content] = read;
        }
        foreach (AddedToken token in ConfiguredTokens(files)) added.TryAdd(token.Content, token);
        foreach (string name in Names.Tokens.Values.Concat(Names.Additional))
        {
            if (!added.ContainsKey(name) && Model.Id(name) is { } id) added[name] = AddedToken.SpecialToken(id, name);
        }
        return [.. added.Values];
    }

    private static IEnumerable<AddedToken> ConfiguredTokens(TokenizerFiles files)
    {
        if (files.Json(TokenizerFiles.Configuration)?.Optional("added_tokens_decoder") is not { } decoder) yield break;
        foreach ((string name, TokenizerSection token) in decoder.Entries())
        {
            if (!int.TryParse(name, System.Globalization.NumberStyles.None, null, out int id)) throw token.Wrong($"has the key '{name}', which is no token id");
            yield return AddedToken.Read(token, id);
        }
    }

    private void Check(TokenizerFiles files)
    {
        foreach (IGrouping<int, AddedToken> same in Added.Tokens.GroupBy(t => t.Id).Where(g => g.Count() > 1))
        {
            throw new InvalidDataException($"{files.PathOf(TokenizerFiles.Tokenizer)}: the added tokens {string.Join(" and ", same.Select(t => $"'{t.Content}'"))} share the id {same.Key}.");
        }
    }
}
