namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>What our side can do, by name. The first two rows the PyTorch side does too.</summary>
internal static class SideTasks
{
    public const string Encode = "encode", Prefill = "prefill", Decode = "decode", Train = "train";
    public const string UNetStep = "unet", DecodePicture = "vae", Adapter = "adapter";
    public const string Open = "open", Memory = "memory", EncodeOverhead = "encode-overhead", GenerateOverhead = "generate-overhead";
    public const string MemoryDecodingWhole = "vae-memory-whole", MemoryDecodingTiled = "vae-memory-tiled", Pictures = "pictures";

    public static IReadOnlyDictionary<string, Func<SideOptions, SideResult>> All { get; } = new Dictionary<string, Func<SideOptions, SideResult>>
    {
        [Encode] = EncodeTask.Run,
        [Prefill] = PrefillTask.Run,
        [Decode] = DecodeTask.Run,
        [Train] = TrainTask.Run,
        [UNetStep] = UNetStepTask.Run,
        [DecodePicture] = DecodePictureTask.Run,
        [Adapter] = AdapterTask.Run,
        [Open] = OpenTask.Run,
        [Memory] = MemoryTask.Run,
        [EncodeOverhead] = EncodeOverheadTask.Run,
        [GenerateOverhead] = GenerateOverheadTask.Run,
        [MemoryDecodingWhole] = options => DecodingMemoryTask.Run(options, tiled: false),
        [MemoryDecodingTiled] = options => DecodingMemoryTask.Run(options, tiled: true),
        [Pictures] = PicturesTask.Run,
    };
}
