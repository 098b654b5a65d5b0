using System.Runtime.InteropServices;
using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>One response while it is made: what it holds, whether it is in text or inside an image, and when it ends.</summary>
internal sealed class ResponseRow
{
    private readonly int _mostPositions;
    private readonly int[] _forced;
    private readonly MetaMorphConfig? _visual;
    private readonly IReadOnlySet<int> _endIds;
    private readonly ITextStream? _stream;
    private readonly Action<ResponseUpdate>? _receiver;
    private readonly TokenSampler _sampler;
    private readonly StopStringFilter _filter;
    private readonly List<int> _history;
    private readonly List<int> _ids = [];
    private readonly List<float> _visualTokens = [];
    private readonly List<float>? _logProbabilities;
    private readonly StringBuilder _text = new();
    private float[] _scratch = [];
    private int _positions, _images, _madeOfImage;

    /// <param name="request">The prompt.</param>
    /// <param name="options">How tokens are chosen, and what ends the response.</param>
    /// <param name="mostPositions">Where the response ends at the latest: what the options allow, or what the prompt leaves of the model's positions.</param>
    /// <param name="visual">The sizes of an image; null for a language model alone.</param>
    /// <param name="endIds">Ids that end the response.</param>
    /// <param name="stream">Decodes ids; null leaves the text empty.</param>
    /// <param name="receiver">Told each piece; null for nobody.</param>
    public ResponseRow(GenerationRequest request, GenerationOptions options, int mostPositions, MetaMorphConfig? visual, IReadOnlySet<int> endIds, ITextStream? stream, Action<ResponseUpdate>? receiver)
    {
        (_mostPositions, _visual, _endIds, _stream, _receiver) = (mostPositions, visual, endIds, stream, receiver);
        bool begun = visual is not null && request.Ids[^1] == visual.ImageStartId;
        _forced = options.BeginWithImage && !begun ? [visual!.ImageStartId, .. request.ForcedIds] : request.ForcedIds;
        _sampler = new TokenSampler(options, request.Seed ?? options.Seed ?? Random.Shared.NextInt64());
        _filter = new StopStringFilter(options.StopStrings);
        _history = [.. request.Ids];
        _logProbabilities = options.LogProbabilities ? [] : null;
        if (begun) BeginImage();
    }

    /// <summary>Whether the next position is a visual token.</summary>
    public bool IsInImage { get; private set; }

    public ResponseFinishReason? FinishReason { get; private set; }

    /// <summary>The positions made so far.</summary>
    public int Positions => _positions;

    /// <summary>Takes what a step gave and sets what the next one starts from.</summary>
    public void Take(DecodingRow row)
    {
        if (IsInImage) TakeVisualToken(row);
        else TakeText(row);
        if (FinishReason is null && _positions >= _mostPositions) Finish(ResponseFinishReason.Length);
        row.WantsVisual = IsInImage;
    }

    public void Finish(ResponseFinishReason reason)
    {
        FinishReason = reason;
        if (reason != ResponseFinishReason.StopString) FlushText();
    }

    public GeneratedResponse Result()
    {
        int width = _visual?.VisualTokenWidth ?? 0, whole = _images * (_visual?.VisualTokenCount ?? 0) * width;
        return new GeneratedResponse
        {
            Text = _text.ToString(),
            TokenIds = [.. _ids],
            VisualTokens = [.. _visualTokens[..whole]],
            ImageCount = _images,
            LogProbabilities = _logProbabilities?.ToArray(),
            FinishReason = FinishReason ?? throw new InvalidOperationException("The response has not ended."),
            Positions = _positions,
            DroppedVisualTokens = IsInImage ? _madeOfImage : 0,
        };
    }

    private void TakeText(DecodingRow row)
    {
        int id = Choose(row.Logits);
        if (id == TokenSampler.Nothing)
        {
            Finish(ResponseFinishReason.NothingAllowed);
            return;
        }
        _ids.Add(id);
        _history.Add(id);
        _positions++;
        (row.InputId, row.InputIsVisual) = (id, false);
        if (_endIds.Contains(id)) Finish(ResponseFinishReason.EndToken);
        else if (id == _visual?.ImageStartId) BeginImage();
        else if (id != _visual?.ImageEndId) Write(_stream?.Append(id) ?? "");
    }

    private int Choose(float[] logits)
    {
        if (_logProbabilities is null) return _ids.Count < _forced.Length ? _forced[_ids.Count] : _sampler.Next(logits, CollectionsMarshal.AsSpan(_history));
        if (_scratch.Length == 0) _scratch = new float[2 * logits.Length];
        Span<float> raw = _scratch.AsSpan(0, logits.Length), masses = _scratch.AsSpan(logits.Length);
        logits.CopyTo(raw);                                              // the processors change them
        int id = _ids.Count < _forced.Length ? _forced[_ids.Count] : _sampler.Next(logits, CollectionsMarshal.AsSpan(_history));
        if (id != TokenSampler.Nothing) _logProbabilities.Add(Softmax.LogProbability(raw, id, masses));
        return id;
    }

    private void BeginImage()
    {
        FlushText();
        if (FinishReason is not null) return;
        (IsInImage, _madeOfImage) = (true, 0);
        _receiver?.Invoke(ResponseUpdate.ImageStart(_images));
    }

    private void TakeVisualToken(DecodingRow row)
    {
        _visualTokens.AddRange(row.VisualToken);
        _positions++;
        row.InputIsVisual = true;
        _receiver?.Invoke(ResponseUpdate.OfVisualToken(_images, _madeOfImage, [.. row.VisualToken]));
        if (++_madeOfImage < _visual!.VisualTokenCount) return;
        IsInImage = false;
        _history.Add(MetaMorphModel.ImagePlaceholder);
        _text.Append(GeneratedResponse.ImageMark);
        _receiver?.Invoke(ResponseUpdate.ImageEnd(_images, [.. _visualTokens[^(_visual.VisualTokenCount * _visual.VisualTokenWidth)..]]));
        _images++;
    }

    private void Write(string piece)
    {
        Emit(_filter.Append(piece));
        if (_filter.IsStopped) Finish(ResponseFinishReason.StopString);
    }

    /// <summary>What is held back cannot grow into a stop string any more.</summary>
    private void FlushText()
    {
        if (_stream is not null) Emit(_filter.Append(_stream.Flush()));
        if (_filter.IsStopped) FinishReason ??= ResponseFinishReason.StopString;
        Emit(_filter.Flush());
    }

    private void Emit(string text)
    {
        if (text.Length == 0) return;
        _text.Append(text);
        _receiver?.Invoke(ResponseUpdate.OfText(text));
    }
}
