using Microsoft.ML.MetaMorph;
using SkiaSharp;

namespace FineTune;

/// <summary>The sizes of a tokenizer, an encoder and a language model of one's own, from how much there is to learn from.</summary>
internal sealed record ModelSizes
{
    /// <summary>Patches of a picture's side; half as many visual tokens.</summary>
    public const int PatchesASide = 8;

    public const int EncoderHeads = 4, HeadWidth = 32;

    /// <summary>N, the visual tokens of a picture of an encoder of one's own.</summary>
    public const int VisualTokens = 16;

    // Bytes and special tokens are 263; more merges than a hundredth of the text are seen too seldom to be learned.
    private const int LeastVocabulary = 300, MostVocabulary = 8192, CharactersAToken = 100;

    private const int LeastSide = 32, MostSide = 224, MeasuredPictures = 100;

    public long Rows { get; init; }

    /// <summary>Pictures of all rows together.</summary>
    public long Pictures { get; init; }

    public int Vocabulary { get; init; } = LeastVocabulary;

    public int ImageSize { get; init; } = LeastSide;

    public int EncoderWidth { get; init; } = 64;

    public int EncoderLayers { get; init; } = 1;

    public int HiddenSize { get; init; } = 128;

    public int Layers { get; init; } = 2;

    /// <summary>Counts rows, characters and pictures, and measures the first of these. Wishes come first.</summary>
    public static ModelSizes Of(TrainingRows rows, SizeWishes wishes)
    {
        long count = 0, characters = 0, pictures = 0;
        var sides = new List<int>();
        foreach (InstructionRow row in rows.Read())
        {
            count++;
            characters += row.Prompts.Concat(row.Responses).Sum(text => (long)text.Length);
            pictures += row.Images.Count;
            sides.AddRange(row.Images.Take(MeasuredPictures - sides.Count).Select(SideOf));
        }

        if (count == 0) throw new InvalidDataException("There are no rows to learn from.");
        (int width, int encoderLayers, int hidden, int layers) = count switch
        {
            < 500 => (64, 1, 128, 2),
            < 10_000 => (128, 2, 192, 4),
            _ => (192, 4, 256, 6),
        };
        return new ModelSizes
        {
            Rows = count,
            Pictures = pictures,
            Vocabulary = wishes.Vocabulary ?? (int)Math.Clamp(LeastVocabulary + characters / CharactersAToken, LeastVocabulary, MostVocabulary),
            ImageSize = wishes.ImageSize ?? Side(sides),
            EncoderWidth = wishes.EncoderWidth ?? width,
            EncoderLayers = wishes.EncoderLayers ?? encoderLayers,
            HiddenSize = wishes.HiddenSize ?? hidden,
            Layers = wishes.Layers ?? layers,
        };
    }

    /// <summary>The middle of the sides, in whole patches.</summary>
    private static int Side(List<int> sides)
    {
        if (sides.Count == 0) return LeastSide;
        sides.Sort();
        return Math.Clamp((sides[sides.Count / 2] + PatchesASide - 1) / PatchesASide * PatchesASide, LeastSide, MostSide);
    }

    /// <summary>The longer side; 0 of a picture that cannot be read, which the training will tell.</summary>
    private static int SideOf(RowImage image)
    {
        SKImageInfo info = SKBitmap.DecodeBounds(image.ReadBytes());
        return Math.Max(info.Width, info.Height);
    }
}

/// <summary>Sizes that somebody asked for; null where the data decide.</summary>
internal sealed record SizeWishes(int? Vocabulary = null, int? ImageSize = null, int? EncoderWidth = null, int? EncoderLayers = null, int? HiddenSize = null, int? Layers = null);
