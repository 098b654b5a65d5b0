namespace Microsoft.ML.MetaMorph;

/// <summary>Several decoders, one after the other.</summary>
internal sealed class SequenceDecoder(IReadOnlyList<TokenDecoder> decoders) : TokenDecoder
{
    public override DecodingStage Start(DecodingStage next) => decoders.Reverse().Aggregate(next, (stage, decoder) => decoder.Start(stage));
}
