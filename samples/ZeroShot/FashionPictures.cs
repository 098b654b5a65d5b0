using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;
using Microsoft.ML.Transforms.Image;

namespace ZeroShot;

/// <summary>Photographs of clothes, 28×28 and grey: Fashion-MNIST (MIT licence), as Debian's package dataset-fashion-mnist ships it.</summary>
internal static class FashionPictures
{
    private const int Lessons = 2000, Questions = 2000;

    private static readonly string[] Labels = ["T-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot"];

    /// <summary>Whether a folder has all four files.</summary>
    public static bool AreIn(string folder) => new[] { "train", "t10k" }.All(part => File.Exists(Images(folder, part)) && File.Exists(Numbers(folder, part)));

    /// <summary>Lessons from the first pictures of its training files, questions from the first of its test files.</summary>
    public static LabelledPictures Read(MLContext ml, string folder)
        => new(View(ml, Rows(folder, "train").Take(Lessons)), View(ml, Rows(folder, "t10k").Take(Questions)), Labels, ["a photo of a {0}"]);

    /// <summary>Learns from the training files; the caption of a picture is its label in words.</summary>
    public static LanguageImageEncoder TrainEncoder(MLContext ml, string folder, int steps, CancellationToken cancellation)
        => new FreshEncoder(IdxFile.Side, PatchSize: 7, BatchSize: Labels.Length).Train(ml, View(ml, OneOfEach(Rows(folder, "train"))), steps, cancellation);

    private static string Images(string folder, string part) => Path.Combine(folder, $"{part}-images-idx3-ubyte.gz");

    private static string Numbers(string folder, string part) => Path.Combine(folder, $"{part}-labels-idx1-ubyte.gz");

    private static IDataView View(MLContext ml, IEnumerable<Row> rows) => ml.Data.LoadFromEnumerable(rows);

    private static Row[] Rows(string folder, string part)
    {
        string images = Images(folder, part), labels = Numbers(folder, part);
        byte[] pixels = IdxFile.Read(images, IdxFile.Side * IdxFile.Side), numbers = IdxFile.Read(labels, 1);
        if (pixels.Length != numbers.Length * IdxFile.Side * IdxFile.Side)
            throw new InvalidDataException($"'{images}' holds {pixels.Length / (IdxFile.Side * IdxFile.Side)} pictures, '{labels}' {numbers.Length} labels; they must be equally many.");
        return [.. numbers.Select((number, i) => new Row(pixels.AsMemory(i * IdxFile.Side * IdxFile.Side, IdxFile.Side * IdxFile.Side), Labels[number]))];
    }

    /// <summary>In an order in which every ten pictures have ten labels. An iterator is read in its own order, a list would be shuffled.</summary>
    private static IEnumerable<Row> OneOfEach(Row[] rows)
    {
        Row[][] byLabel = [.. rows.GroupBy(row => row.Label).Select(group => group.ToArray())];
        for (int i = 0; i < byLabel.Min(group => group.Length); i++)
        {
            foreach (Row[] group in byLabel) yield return group[i];
        }
    }

    private sealed class Row(ReadOnlyMemory<byte> grey, string label)
    {
        public Row()
            : this(new byte[IdxFile.Side * IdxFile.Side], "")
        {
        }

        [ImageType(IdxFile.Side, IdxFile.Side)]
        public MLImage Image => IdxFile.Picture(grey.Span);

        public string Caption => $"a photo of a {Label}";

        public string Label { get; } = label;
    }
}
