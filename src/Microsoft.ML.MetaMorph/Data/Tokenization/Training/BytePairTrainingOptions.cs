namespace Microsoft.ML.MetaMorph;

/// <summary>What a byte-level BPE tokenizer is trained with.</summary>
public sealed class BytePairTrainingOptions
{
    /// <summary>The default chat template: Llama 3's, with one line end after a header, as the released MetaMorph uses it.</summary>
    public const string DefaultChatTemplate =
        "{{ bos_token }}{% for message in messages %}{{ '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n' + message['content'] + '<|eot_id|>' }}{% endfor %}" +
        "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\\n' }}{% endif %}";

    /// <summary>How many tokens the vocabulary may hold: 256 bytes, the merges, and the special tokens. Fewer come out where the texts hold fewer pairs. Default 4096.</summary>
    public int VocabularySize { get; set; } = 4096;

    /// <summary>How often a pair must occur to be merged. At least 1; default 2.</summary>
    public int MinimumFrequency { get; set; } = 2;

    /// <summary>Tokens that are never cut; they get the highest ids, in this order.</summary>
    public IList<string> SpecialTokens { get; set; } = ["<|begin_of_text|>", "<|end_of_text|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image_start>", "<image_end>"];

    /// <summary>The token put before every text (<c>bos_token</c>); one of <see cref="SpecialTokens"/>, or null for none.</summary>
    public string? BeginningOfSequence { get; set; } = "<|begin_of_text|>";

    /// <summary>The token that ends an answer (<c>eos_token</c>); one of <see cref="SpecialTokens"/>, or null for none.</summary>
    public string? EndOfSequence { get; set; } = "<|eot_id|>";

    /// <summary>The Jinja chat template stored with the tokenizer, or null for none.</summary>
    public string? ChatTemplate { get; set; } = DefaultChatTemplate;

    /// <summary>The longest sequence of the model it is for (<c>model_max_length</c>). Default 4096.</summary>
    public int MaximumLength { get; set; } = 4096;

    internal void Validate()
    {
        ArgumentNullException.ThrowIfNull(SpecialTokens);
        int least = 256 + SpecialTokens.Count;
        if (VocabularySize < least) throw new ArgumentOutOfRangeException(nameof(VocabularySize), VocabularySize, $"{nameof(VocabularySize)} is {VocabularySize}, but 256 bytes and {SpecialTokens.Count} special tokens need at least {least}.");
        ArgumentOutOfRangeException.ThrowIfLessThan(MinimumFrequency, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(MaximumLength, 1);
        if (SpecialTokens.Any(string.IsNullOrEmpty)) throw new ArgumentException("A special token cannot be empty.", nameof(SpecialTokens));
        if (SpecialTokens.GroupBy(t => t).FirstOrDefault(g => g.Count() > 1) is { } twice) throw new ArgumentException($"'{twice.Key}' stands twice in {nameof(SpecialTokens)}.", nameof(SpecialTokens));
        if (ChatTemplate is not null && string.IsNullOrWhiteSpace(ChatTemplate)) throw new ArgumentException($"{nameof(ChatTemplate)} is empty; give a Jinja template, or set it to null for none.");
        Require(BeginningOfSequence, nameof(BeginningOfSequence));
        Require(EndOfSequence, nameof(EndOfSequence));
    }

    private void Require(string? token, string role)
    {
        if (token is not null && !SpecialTokens.Contains(token)) throw new ArgumentException($"{role} is '{token}', which is not among {nameof(SpecialTokens)}: {string.Join(", ", SpecialTokens)}.", role);
    }
}
