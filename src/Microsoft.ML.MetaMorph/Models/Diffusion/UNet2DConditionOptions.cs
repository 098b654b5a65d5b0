using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>Which options of diffusers' <c>UNet2DConditionModel</c> are computed here, and which only at the value that switches them off.</summary>
internal static class UNet2DConditionOptions
{
    private static readonly HashSet<string> Computed = new(StringComparer.Ordinal)
    {
        "sample_size", "in_channels", "out_channels", "center_input_sample", "flip_sin_to_cos", "freq_shift", "down_block_types", "mid_block_type",
        "up_block_types", "only_cross_attention", "block_out_channels", "layers_per_block", "downsample_padding", "mid_block_scale_factor", "dropout",
        "act_fn", "norm_num_groups", "norm_eps", "cross_attention_dim", "transformer_layers_per_block", "reverse_transformer_layers_per_block",
        "attention_head_dim", "use_linear_projection", "upcast_attention", "resnet_time_scale_shift", "time_embedding_dim", "time_embedding_act_fn",
        "timestep_post_act", "conv_in_kernel", "conv_out_kernel",
    };

    private static readonly Dictionary<string, string[]> Neutral = new(StringComparer.Ordinal)
    {
        ["num_attention_heads"] = ["null"],
        ["dual_cross_attention"] = ["false"],
        ["class_embed_type"] = ["null"],
        ["num_class_embeds"] = ["null"],
        ["class_embeddings_concat"] = ["false"],
        ["projection_class_embeddings_input_dim"] = ["null"],
        ["addition_embed_type"] = ["null"],
        ["encoder_hid_dim"] = ["null"],
        ["encoder_hid_dim_type"] = ["null"],
        ["time_embedding_type"] = ["positional"],
        ["time_cond_proj_dim"] = ["null"],
        ["attention_type"] = ["default"],
        ["resnet_skip_time_act"] = ["false"],
        ["resnet_out_scale_factor"] = ["1"],
        ["cross_attention_norm"] = ["null"],
        ["mid_block_only_cross_attention"] = ["null", "false"],
    };

    // They belong to an addition_embed_type, which must be null.
    private static readonly HashSet<string> WithoutEffect = new(StringComparer.Ordinal) { "addition_embed_type_num_heads", "addition_time_embed_dim" };

    private static readonly HashSet<string> Passed = [.. Computed, .. WithoutEffect];

    /// <exception cref="NotSupportedException">An option changes the result and is not computed here.</exception>
    public static void Check(JsonElement json) => DiffusersOptions.Check(json, UNet2DConditionConfig.ClassName, Passed, Neutral);
}
