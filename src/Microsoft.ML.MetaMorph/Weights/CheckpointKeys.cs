namespace Microsoft.ML.MetaMorph;

/// <summary>Maps the names in published checkpoints to the names of our modules.</summary>
/// <remarks>
/// A MetaMorph checkpoint holds <c>model.*</c> and <c>lm_head.*</c> as Llama has them, <c>model.mm_projector.*</c>,
/// <c>vision_head.*</c>, the frozen encoder under <c>model.vision_tower.vision_tower.</c>, and maybe an unused
/// <c>model.vision_proj.*</c>. The first stage's <c>mm_projector.bin</c> holds the projector and the input embedding.
/// </remarks>
internal static class CheckpointKeys
{
    private static readonly (string Old, string Name)[] OldAttention = [(".query.", ".to_q."), (".key.", ".to_k."), (".value.", ".to_v."), (".proj_attn.", ".to_out.0.")];

    private const string Autoencoder = "autoencoder";

    private const string Model = "model.", VisionModel = "vision_model.", TextModel = "text_model.";

    /// <summary>
    /// The archive with the names of <c>MetaMorphModel</c> (a language model's alone are a part of them): <c>model.</c> is added where
    /// it is missing; the vision tower, unused tensors and rotary tables are left out.
    /// </summary>
    public static TensorArchive ForMetaMorph(TensorArchive archive) => new RenamedArchive(archive, MetaMorphName);

    /// <summary>
    /// The archive with the names of a SigLIP folder: <c>vision_model.*</c>, and <c>text_model.*</c>, <c>logit_scale</c>,
    /// <c>logit_bias</c> where it has them. Takes SiglipModel and SiglipVisionModel folders, a bare vision transformer, and MetaMorph checkpoints.
    /// </summary>
    public static TensorArchive ForSiglip(TensorArchive archive)
    {
        bool isMetaMorph = archive.Tensors.Keys.Any(IsVisionTower);
        return new RenamedArchive(archive, name => SiglipName(name, isMetaMorph));
    }

    /// <summary>
    /// Whether a name of <see cref="ForSiglip"/> belongs to what a model of the vision tower alone may leave unread: the text tower, what
    /// compares the two, and the pooling head.
    /// </summary>
    public static bool IsBesideVisionTower(string name)
        => name.StartsWith(TextModel, StringComparison.Ordinal) || name.StartsWith(VisionModel + "head.", StringComparison.Ordinal) || name is "logit_scale" or "logit_bias";

    /// <summary>
    /// Whether a name of <see cref="ForMetaMorph"/> is the output matrix, which published checkpoints hold a second time where a model's
    /// output matrix is its embedding table.
    /// </summary>
    public static bool IsOutputMatrix(string name) => name == "lm_head.weight";

    /// <summary>
    /// The archive with the names of <c>AutoencoderKL</c> in diffusers since 0.15: attention was stored as <c>query</c>, <c>key</c>, <c>value</c>
    /// and <c>proj_attn</c> before. What a trainer stored beside the weights is left out.
    /// </summary>
    public static TensorArchive ForAutoencoder(TensorArchive archive) => new RenamedArchive(archive, name => WeightName(name) is { } weight ? AttentionName(weight) : null);

    /// <summary>The archive of a UNet or an adapter, without what a trainer stored beside the weights, and without the prefix of its parallel wrapper.</summary>
    public static TensorArchive ForVisualizerPart(TensorArchive archive) => new RenamedArchive(archive, WeightName);

    /// <summary>The part of an autoencoder that a name of <see cref="ForAutoencoder"/> belongs to: it is one.</summary>
    public static string AutoencoderPart(string name) => Autoencoder;

    /// <summary>The part of a visualizer that a name of its combined archive belongs to.</summary>
    public static string VisualizerPart(string name) => name[..Math.Max(0, name.IndexOf('.'))] switch
    {
        "adapter" => "adapter",
        "unet" => "UNet",
        "vae" => Autoencoder,
        _ => "unused",
    };

    /// <summary>The part of a model that a name belongs to, in any of the published spellings.</summary>
    public static string Part(string name)
    {
        string bare = Bare(name);
        if (IsVisionTower(name) || bare.StartsWith(VisionModel, StringComparison.Ordinal)) return "vision encoder";
        if (bare.StartsWith(TextModel, StringComparison.Ordinal)) return "text encoder";
        if (bare.StartsWith("mm_projector.", StringComparison.Ordinal)) return "projector";
        if (bare.StartsWith("vision_head.", StringComparison.Ordinal)) return "vision head";
        return bare.StartsWith("vision_proj.", StringComparison.Ordinal) ? "unused" : "language model";
    }

    private static string? MetaMorphName(string stored)
    {
        string bare = Bare(stored);
        if (IsVisionTower(stored) || bare.StartsWith("vision_proj.", StringComparison.Ordinal)) return null;
        if (bare.EndsWith("rotary_emb.inv_freq", StringComparison.Ordinal)) return null;   // a table that old Llama checkpoints carry along, in each layer or once
        bool isHead = bare.StartsWith("lm_head.", StringComparison.Ordinal) || bare.StartsWith("vision_head.", StringComparison.Ordinal);
        return isHead ? bare : Model + bare;
    }

    private static string? WeightName(string stored)
    {
        if (stored.StartsWith("optimizer", StringComparison.Ordinal) || stored.StartsWith("lr_scheduler", StringComparison.Ordinal)) return null;
        return Strip(stored, "module.");
    }

    private static string AttentionName(string stored)
    {
        if (!stored.Contains(".attentions.", StringComparison.Ordinal)) return stored;
        foreach ((string old, string name) in OldAttention)
        {
            int place = stored.LastIndexOf(old, StringComparison.Ordinal);
            if (place >= 0) return stored[..place] + name + stored[(place + old.Length)..];
        }
        return stored;
    }

    private static string? SiglipName(string stored, bool isMetaMorph)
    {
        if (isMetaMorph)
        {
            if (!IsVisionTower(stored)) return null;
            string tower = Strip(Strip(Strip(Bare(stored), "vision_tower."), "vision_tower."), VisionModel);
            return VisionModel + tower;
        }
        if (stored.EndsWith("position_ids", StringComparison.Ordinal)) return null;   // a table that old SigLIP checkpoints carry along
        if (stored.StartsWith(VisionModel, StringComparison.Ordinal) || stored.StartsWith(TextModel, StringComparison.Ordinal) || stored is "logit_scale" or "logit_bias") return stored;
        string root = stored[..Math.Max(0, stored.IndexOf('.'))];
        return root is "embeddings" or "encoder" or "post_layernorm" or "head" ? VisionModel + stored : stored;
    }

    private static bool IsVisionTower(string name) => Bare(name).StartsWith("vision_tower.", StringComparison.Ordinal);

    private static string Bare(string name) => Strip(name, Model);

    private static string Strip(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal) ? name[prefix.Length..] : name;
}
