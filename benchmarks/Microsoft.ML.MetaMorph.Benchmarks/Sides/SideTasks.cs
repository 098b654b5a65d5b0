namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>What our side can do, by name. The first four the PyTorch side does too.</summary>
internal static class SideTasks
{
    public const string Encode = "encode", Prefill = "prefill", Decode = "decode", Train = "train";
    public const string Open = "open", Memory = "memory", EncodeOverhead = "encode-overhead", GenerateOverhead = "generate-overhead";

    public static IReadOnlyDictionary<string, Func<SideOptions, SideResult>> All { get; } = new Dictionary<string, Func<SideOptions, SideResult>>
    {
        [Encode] = EncodeTask.Run,
        [Prefill] = PrefillTask.Run,
        [Decode] = DecodeTask.Run,
        [Train] = TrainTask.Run,
        [Open] = OpenTask.Run,
        [Memory] = MemoryTask.Run,
        [EncodeOverhead] = EncodeOverheadTask.Run,
        [GenerateOverhead] = GenerateOverheadTask.Run,
    };
}
