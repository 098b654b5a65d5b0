using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A tiny world: one square of six colours at one of four places, in noise; the caption names both.</summary>
internal static class ColouredSquares
{
    public const int Side = 16, Colours = 6, Places = 4, Scenes = Colours * Places;

    /// <summary>Ids 0–5 colours, 6–9 places, 10 "a square of …" before them, 11 end, 12 padding.</summary>
    public static CaptionTokens Tokens { get; } = new(13, End: 11, Pad: 12);

    private static readonly float[][] Palette = [[1, -1, -1], [-1, 1, -1], [-1, -1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]];

    /// <summary>Endless batches of scenes drawn at random.</summary>
    public static IEnumerable<LanguageImageBatch> Stream(int seed, int size)
    {
        var random = new Random(seed);
        while (true) yield return Batch(random, [.. Enumerable.Range(0, size).Select(_ => random.Next(Scenes))]);
    }

    /// <summary>Every scene once, with noise that training never saw.</summary>
    public static LanguageImageBatch Everything(int seed) => Batch(new Random(seed), [.. Enumerable.Range(0, Scenes)]);

    private static LanguageImageBatch Batch(Random random, int[] scenes)
    {
        var pixels = new float[scenes.Length * 3 * Side * Side];
        for (int i = 0; i < scenes.Length; i++) Draw(random, scenes[i], pixels.AsSpan(i * 3 * Side * Side, 3 * Side * Side));
        using var scope = NewDisposeScope();
        return new LanguageImageBatch(tensor(pixels, [scenes.Length, 3, Side, Side]).DetachFromDisposeScope(), [.. scenes.Select(Caption)]);
    }

    private static int[] Caption(int scene) => scene % 2 == 0 ? [10, scene / Places, Colours + scene % Places] : [scene / Places, Colours + scene % Places];

    private static void Draw(Random random, int scene, Span<float> pixels)
    {
        int place = scene % Places, half = Side / 2, shift = random.Next(2);
        int top = place / 2 * half + 1 + shift, left = place % 2 * half + 1 + shift;
        for (int c = 0; c < 3; c++)
        {
            for (int y = 0; y < Side; y++)
            {
                for (int x = 0; x < Side; x++)
                {
                    bool inside = y >= top && y < top + half - 2 && x >= left && x < left + half - 2;
                    pixels[(c * Side + y) * Side + x] = (inside ? Palette[scene / Places][c] : 0) + 0.2f * (random.NextSingle() - 0.5f);
                }
            }
        }
    }
}
