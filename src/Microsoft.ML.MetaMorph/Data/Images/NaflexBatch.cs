namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Pictures as padded lists of patches, as SigLIP 2 NaFlex takes them.
/// </summary>
/// <param name="Count">Pictures.</param>
/// <param name="MaximumPatches">Patches of each picture, with padding.</param>
/// <param name="PatchLength">Floats of a patch: side × side × 3, channel fastest.</param>
/// <param name="Pixels">[count, maximum patches, patch length]; padding is 0.</param>
/// <param name="Mask">[count, maximum patches]: 1 for a patch, 0 for padding.</param>
/// <param name="SpatialShapes">[count, 2]: patches down and across.</param>
internal sealed record NaflexBatch(int Count, int MaximumPatches, int PatchLength, float[] Pixels, int[] Mask, long[] SpatialShapes);
