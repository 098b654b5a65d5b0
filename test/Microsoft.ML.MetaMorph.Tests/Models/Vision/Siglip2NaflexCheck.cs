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
        // Nobody uses what stands at padding, but it is as well defined as the rest: padding asks the real patches, too.
        figures.AreClose("last_hidden_state", model.LastHiddenState(patches, grids));
    }

    private static void ComparePatches(ReferenceCase reference, SiglipCase figures, Siglip2VisionConfig config, PatchGrid[] grids)
    {
        NaflexImagePreprocessorTests.CheckPatches(reference);
        Tensor mask = figures.Input("pixel_attention_mask");
        for (int i = 0; i < grids.Length; i++)
        {
            Tensor image = figures.Input($"image.{i.ToString(CultureInfo.InvariantCulture)}");
            var (height, width) = ((int)image.size(0), (int)image.size(1));
            Assert.AreEqual(new PatchGrid(height / config.PatchSize, width / config.PatchSize), grids[i], $"{reference.Name}: grid of picture {i}");
            Assert.AreEqual(grids[i].Count, (int)mask[i].sum().item<long>(), $"{reference.Name}: mask of picture {i}");
        }
    }

    private static void CompareSize(ReferenceCase reference, int[] size)
        => Assert.AreEqual((size[4], size[5]), NaflexImagePreprocessor.ChooseSize(size[0], size[1], size[2], size[3]), $"{reference.Name}: {string.Join(", ", size)}");
}
