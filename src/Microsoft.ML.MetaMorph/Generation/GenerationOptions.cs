using static Microsoft.ML.MetaMorph.OptionBounds;

namespace Microsoft.ML.MetaMorph;

/// <summary>How a response is generated: its length, how tokens are chosen, where it stops.</summary>
/// <remarks>
/// Every setter checks its value and throws <see cref="ArgumentOutOfRangeException"/> with the value and the bound. The defaults are
/// greedy decoding, as the published MetaMorph decodes. The object may be shared between threads as long as nobody changes it.
/// </remarks>
public sealed class GenerationOptions
{
    private IReadOnlyList<string> _stopStrings = [];

    /// <summary>
    /// The most positions the response may have, counting text tokens (with <c>&lt;image_start&gt;</c>, <c>&lt;image_end&gt;</c> and the end
    /// token) and visual tokens: 1 or more. A response also ends where prompt and response have as many positions as the model was made for
    /// (<c>max_position_embeddings</c>). An image cut by this limit is dropped, never returned in part. Default 512.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int MaxNewTokens { get; set => field = InRange(value, 1, int.MaxValue, nameof(MaxNewTokens)); } = 512;

    /// <summary>Divides the logits before sampling; 0 (default) takes the most likely token (greedy), as does anything below 1e-30, and then <see cref="TopK"/>, <see cref="TopP"/> and <see cref="MinP"/> have no effect. Range 0 to 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 100 or not a number.</exception>
    public float Temperature { get; set => field = InRange(value, 0f, 100f, nameof(Temperature)); }

    /// <summary>Whether the most likely token is taken. So small a temperature leaves every other token without any probability, and logits divided by it would not be finite.</summary>
    internal bool IsGreedy => Temperature < 1e-30f;

    /// <summary>Samples among the k most likely tokens; tokens tied with the k-th are kept too. 0 (default) is off.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 0.</exception>
    public int TopK { get; set => field = InRange(value, 0, int.MaxValue, nameof(TopK)); }

    /// <summary>Samples among the most likely tokens that together hold this probability (nucleus sampling). 1 (default) is off. Range 0 to 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 1 or not a number.</exception>
    public float TopP { get; set => field = InRange(value, 0f, 1f, nameof(TopP)); } = 1;

    /// <summary>Removes tokens less likely than this fraction of the most likely token's probability. 0 (default) is off. Range 0 to 1.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 1 or not a number.</exception>
    public float MinP { get; set => field = InRange(value, 0f, 1f, nameof(MinP)); }

    /// <summary>Above 1 makes tokens of the prompt and of the response so far less likely, below 1 more likely. 1 (default) is off. Range 0.01 to 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0.01 to 100 or not a number.</exception>
    public float RepetitionPenalty { get; set => field = InRange(value, 0.01f, 100f, nameof(RepetitionPenalty)); } = 1;

    /// <summary>Forbids any n-gram of this length to occur twice in prompt and response together. 0 (default) is off.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 0.</exception>
    public int NoRepeatNGramSize { get; set => field = InRange(value, 0, int.MaxValue, nameof(NoRepeatNGramSize)); }

    /// <summary>
    /// Texts that end the response; the response's text ends before the first of them, wherever the token boundaries lie. An image
    /// in between interrupts a stop string. Default none.
    /// </summary>
    /// <exception cref="ArgumentNullException">The list is null.</exception>
    /// <exception cref="ArgumentException">One of them is empty.</exception>
    public IReadOnlyList<string> StopStrings
    {
        get => _stopStrings;
        set
        {
            if (value is null) throw new ArgumentNullException(nameof(StopStrings), $"{nameof(StopStrings)} is null; it must be a list of texts, an empty one for none.");
            for (int i = 0; i < value.Count; i++)
                if (string.IsNullOrEmpty(value[i])) throw new ArgumentException($"{nameof(StopStrings)}[{i}] is empty; an empty text would end every response at once.", nameof(StopStrings));
            _stopStrings = [.. value];
        }
    }

    /// <summary>Where the random draws of a response start; a seed gives the same response alone, in a batch, and on every device. Null (default) draws anew each time (a pipeline takes the seed of its <see cref="MLContext"/>).</summary>
    public int? Seed { get; set; }

    /// <summary>Makes the response begin with an image: its first token is <c>&lt;image_start&gt;</c>. Default false.</summary>
    public bool BeginWithImage { get; set; }

    /// <summary>Whether the log-probability of every text token is returned: the natural logarithm of the probability that the model itself gave it, before penalties, temperature and filters. Default false.</summary>
    public bool LogProbabilities { get; set; }

    /// <summary>How many positions of the prompt are computed at once: 1 or more. Bounds the memory of long prompts; the result does not depend on it beyond rounding. Default 512.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Below 1.</exception>
    public int PrefillChunk { get; set => field = InRange(value, 1, int.MaxValue, nameof(PrefillChunk)); } = 512;

    /// <summary>What computes the steps after the prompt. Default <see cref="DecodingEngine.Auto"/>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not a defined value.</exception>
    public DecodingEngine Engine
    {
        get;
        set => field = Enum.IsDefined(value) ? value : throw new ArgumentOutOfRangeException(nameof(Engine), value, $"{nameof(Engine)} is {(int)value}; it must be {string.Join(", ", Enum.GetValues<DecodingEngine>().Select(e => $"{(int)e} ({e})"))}.");
    }

    /// <summary>
    /// Lets the vectorized engine decode from a bfloat16 copy of float32 weights: about twice as fast, half of the weights' size more
    /// memory, and answers that may differ slightly. Default false: weights are used as they are stored.
    /// </summary>
    public bool BFloat16Weights { get; set; }

    /// <summary>Threads of the vectorized engine. 0 (default) takes TorchSharp's number. Range 0 to 127.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Outside 0 to 127.</exception>
    public int Threads { get; set => field = InRange(value, 0, 127, nameof(Threads)); }

    /// <summary>A copy that can be changed on its own.</summary>
    public GenerationOptions Clone() => (GenerationOptions)MemberwiseClone();
}
