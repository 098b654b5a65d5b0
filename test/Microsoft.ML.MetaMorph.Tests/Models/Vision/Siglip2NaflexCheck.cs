using System.Globalization;
using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

internal static class Siglip2NaflexCheck
{
    [ReferenceKind("siglip2-naflex")]
    public static void Check(ReferenceCase reference)
    {
        var figures = new SiglipCase(reference);
        Siglip2VisionConfig config = Siglip2VisionConfig.FromJson(figures.Config);
        Siglip2VisionModel model = figures.Build(parameters => new Siglip2VisionModel(config, parameters));
        PatchGrid[] grids = Grids(figures.Input("spatial_shapes"));
        ComparePatches(reference, figures, config, grids);
        Compare(reference, figures, model, grids);
        using (no_grad()) Compare(reference, figures, model, grids);
        foreach (JsonElement size in reference.Json.GetProperty("sizes").EnumerateArray()) CompareSize(reference, [.. size.EnumerateArray().Select(x => x.GetInt32())]);
        figures.EverythingWasRead();
    }

    private static PatchGrid[] Grids(Tensor shapes)
    {
        long[] sides = [.. shapes.to(ScalarType.Int64).data<long>()];
        return [.. Enumerable.Range(0, sides.Length / 2).Select(i => new PatchGrid((int)sides[2 * i], (int)sides[2 * i + 1]))];
    }

    private static void Compare(ReferenceCase reference, SiglipCase figures, Siglip2VisionModel model, PatchGrid[] grids)
    {
        using var scope = NewDisposeScope();
        Tensor patches = figures.Input("pixel_values");
        figures.AreClose("positions", model.Positions(grids, patches.size(1)));
        figures.AreClose("embeddings", model.Embeddings(patches, grids));
        figures.AreClose("pooler_output", model.Pooled(patches, grids));
        Tensor seen = figures.Input("pixel_attention_mask").to(ScalarType.Float32).unsqueeze(-1);
        reference.AreClose(figures.Input("last_hidden_state") * seen, model.LastHiddenState(patches, grids) * seen, reference.Tolerance, "last_hidden_state");
    }

    private static void ComparePatches(ReferenceCase reference, SiglipCase figures, Siglip2VisionConfig config, PatchGrid[] grids)
    {
        Tensor expected = figures.Input("pixel_values"), mask = figures.Input("pixel_attention_mask").to(ScalarType.Int32);
        Tensor[] images = [.. Enumerable.Range(0, grids.Length).Select(i => figures.Input($"image.{i.ToString(CultureInfo.InvariantCulture)}"))];
        var preprocessor = new NaflexImagePreprocessor(new ImagePreprocessorConfig { Naflex = true, PatchSize = config.PatchSize, MaximumPatches = (int)expected.size(1), Resize = false });
        NaflexBatch batch = preprocessor.Preprocess([.. images.Select(image => new RgbImage((int)image.size(1), (int)image.size(0), image.bytes.ToArray()))]);
        reference.AreClose(expected, tensor(batch.Pixels, expected.shape), reference.Tolerance, "pixel_values");
        CollectionAssert.AreEqual(mask.data<int>().ToArray(), batch.Mask, $"{reference.Name}: pixel_attention_mask");
        CollectionAssert.AreEqual(grids, Enumerable.Range(0, batch.Count).Select(i => new PatchGrid((int)batch.SpatialShapes[2 * i], (int)batch.SpatialShapes[2 * i + 1])).ToArray(), $"{reference.Name}: spatial_shapes");
    }

    // height, width, patch, max patches -> height, width
    private static void CompareSize(ReferenceCase reference, int[] size)
        => Assert.AreEqual((size[4], size[5]), NaflexImagePreprocessor.ChooseSize(size[0], size[1], size[2], size[3]), $"{reference.Name}: {string.Join(", ", size)}");
}
