namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The library's own CPU engine: TorchSharp computes the prompt, then every step reads the weights once, in the element type they are
/// stored in, for all rows of the batch together. A row's result is the same to the bit alone and in a batch.
/// </summary>
internal sealed class VectorizedDecoder : ResponseDecoder
{
    private readonly CausalLanguageModel _language;
    private readonly MetaMorphModel? _visual;
    private readonly MatrixKernels _kernels;
    private readonly WorkerTeam _team;
    private readonly BFloat16Copies? _copies;

    /// <param name="language">A model that <see cref="Refusal"/> has nothing against.</param>
    /// <param name="visual">The model around it, if there is one.</param>
    /// <param name="threads">0 takes TorchSharp's number.</param>
    /// <param name="bfloat16">Whether float32 matrices are read from bfloat16 copies.</param>
    /// <param name="kernels">Null takes the fastest of this CPU.</param>
    public VectorizedDecoder(CausalLanguageModel language, MetaMorphModel? visual, int threads = 0, bool bfloat16 = false, MatrixKernels? kernels = null)
    {
        if (Refusal(language, visual) is { } reason) throw new NotSupportedException($"The vectorized engine cannot decode this model: {reason}.");
        _language = language;
        _visual = visual;
        _kernels = kernels ?? MatrixKernels.Best;
        _team = new WorkerTeam(Math.Clamp(threads > 0 ? threads : TorchSharp.torch.get_num_threads(), 1, 127));
        _copies = bfloat16 ? new BFloat16Copies() : null;
    }

    public override string Name => $"vectorized ({_kernels.Name}, {_team.Threads} threads{(_copies is null ? "" : ", float32 weights as bfloat16 copies")})";

    /// <summary>Why this engine cannot decode a model; null if it can.</summary>
    public static string? Refusal(CausalLanguageModel language, MetaMorphModel? visual) => DecoderWeights.Refusal(language, visual);

    public override DecodingBatch Start(IReadOnlyList<DecodingPrompt> prompts, int chunk, CancellationToken cancellation)
    {
        var batch = new VectorizedBatch(_language, _visual, DecoderWeights.Read(_language, _visual, _copies), _kernels, _team, prompts);
        try
        {
            batch.Prefill(prompts, chunk, cancellation);
            return batch;
        }
        catch
        {
            batch.Dispose();
            throw;
        }
    }

    public override void Dispose()
    {
        _team.Dispose();
        _copies?.Dispose();
    }
}
