using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class NaflexImagePreprocessorTests
{
    /// <summary>Asserts <c>pixel_values</c>, <c>pixel_attention_mask</c> and <c>spatial_shapes</c> of the pictures <c>image.N</c>.</summary>
    internal static void CheckPatches(ReferenceCase reference)
    {
        using var scope = TorchSharp.torch.NewDisposeScope();
        TorchSharp.torch.Tensor expected = reference["pixel_values"];
        RgbImage[] images = [.. Enumerable.Range(0, (int)expected.shape[0]).Select(i => reference[$"image.{i}"]).Select(t => new RgbImage((int)t.shape[1], (int)t.shape[0], t.bytes.ToArray()))];
        int patch = (int)Math.Round(Math.Sqrt(expected.shape[2] / 3.0));
        NaflexBatch patches = new NaflexImagePreprocessor(new ImagePreprocessorConfig { Naflex = true, PatchSize = patch, MaximumPatches = (int)expected.shape[1], Resize = false }).Preprocess(images);
        reference.AreClose(expected, TorchSharp.torch.tensor(patches.Pixels, expected.shape), 1e-6, "pixel_values");
        CollectionAssert.AreEqual(reference["pixel_attention_mask"].to(TorchSharp.torch.ScalarType.Int32).data<int>().ToArray(), patches.Mask, $"{reference.Name}: mask");
        CollectionAssert.AreEqual(reference["spatial_shapes"].data<long>().ToArray(), patches.SpatialShapes, $"{reference.Name}: shapes");
    }

    [TestMethod]
    public void TheSizeIsWholePatchesAndKeepsToTheLimit()
    {
        var cases = from size in Gen.Choose(1, 4000).Two() from patch in Gen.Choose(4, 32) from most in Gen.Choose(64, 1024) select (size, patch, most);
        Prop.ForAll(cases.ToArbitrary(), c =>
        {
            (int height, int width) = NaflexImagePreprocessor.ChooseSize(c.size.Item1, c.size.Item2, c.patch, c.most);
            bool whole = height % c.patch == 0 && width % c.patch == 0 && height > 0 && width > 0;
            // A picture thinner than any scale can help is the one exception: it is told when it is preprocessed.
            bool thin = Math.Max(c.size.Item1, c.size.Item2) > 100_000;
            return whole && (thin || (long)(height / c.patch) * (width / c.patch) <= c.most);
        }).QuickCheckThrowOnFailure();
    }

    [TestMethod]
    public void PicturesOfUnlikeShapesShareABatch()
    {
        var preprocessor = new NaflexImagePreprocessor(new ImagePreprocessorConfig { Naflex = true, Resample = ResampleFilter.Bilinear, PatchSize = 4, MaximumPatches = 24 });
        RgbImage[] images = [PillowPictures.Noise(30, 11, 1), PillowPictures.Noise(9, 60, 2), PillowPictures.Noise(16, 16, 3)];
        NaflexBatch together = preprocessor.Preprocess(images);
        for (int i = 0; i < images.Length; i++)
        {
            NaflexBatch alone = preprocessor.Preprocess([images[i]]);
            int length = together.MaximumPatches * together.PatchLength;
            CollectionAssert.AreEqual(alone.Pixels, together.Pixels.AsSpan(i * length, length).ToArray());
            Assert.AreEqual(together.SpatialShapes[2 * i] * together.SpatialShapes[2 * i + 1], together.Mask.Skip(i * together.MaximumPatches).Take(together.MaximumPatches).Sum());
        }
    }
}
