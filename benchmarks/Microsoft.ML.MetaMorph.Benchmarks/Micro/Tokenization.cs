using BenchmarkDotNet.Attributes;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Text → ids → text with a byte-level BPE, and a chat template around it.</summary>
[MemoryDiagnoser]
public class Tokenization
{
    private LanguageTokenizer _tokenizer = null!;
    private ConversationText _conversations = null!;
    private ChatTemplate _template = null!;
    private string _text = "";
    private int[] _ids = [];

    [GlobalSetup]
    public void Setup()
    {
        _tokenizer = LanguageTokenizer.Train(SampleText.Sentences, new BytePairTrainingOptions { VocabularySize = 1000 });
        _conversations = new ConversationText(_tokenizer);
        _template = ChatTemplate.Read(_tokenizer.Files);
        _text = string.Join('\n', SampleText.Sentences.Take(40));
        _ids = _tokenizer.Encode(_text);
    }

    [Benchmark]
    public int Encode() => _tokenizer.Encode(_text).Length;

    [Benchmark]
    public string Decode() => _tokenizer.Decode(_ids);

    [Benchmark]
    public string RenderTemplate() => _template.Render([new ConversationMessage("system", "Answer in one sentence."), new ConversationMessage("user", _text)], addGenerationPrompt: true);

    [Benchmark]
    public int EncodeConversation() => _conversations.Encoder.EncodePrompt(Conversation.FromTurns(["<image>" + SampleText.Prompt(1)], [], 1, "row")).Ids.Length;
}
