using Microsoft.ML.Data;
using SkiaSharp;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Visual tokens that are kept on the disk: the same values, without the pictures.</summary>
[TestClass]
public sealed class VisualTokenStoreTests : FolderTests
{
    private const int Pictures = 5;

    private readonly MLContext _ml = new(seed: 1);
    private readonly List<string> _warnings = [];

    public VisualTokenStoreTests() => _ml.Log += (_, entry) =>
    {
        if (entry.Kind == Microsoft.ML.Runtime.ChannelMessageKind.Warning) _warnings.Add(entry.RawMessage);
    };

    [TestInitialize]
    public void WritePictures()
    {
        for (int i = 0; i < Pictures; i++) Folder.Write($"pictures/{i}.png", Png((byte)(40 * i)));
    }

    [TestMethod]
    public void PicturesThatAreGoneHaveTheirTokensAllTheSame()
    {
        using ImageEncoder encoder = Encoder();
        List<object?[]> expected = Tokens(encoder, cache: null);
        ColumnValues.AssertEqual(expected, Tokens(encoder, Folder["cache"]), 0, "first");
        Assert.HasCount(Pictures, Entries());
        Directory.Delete(Folder["pictures"], recursive: true);
        ColumnValues.AssertEqual(expected, Tokens(encoder, Folder["cache"]), 0, "by another run");
        Assert.AreEqual($"'{Folder["pictures/0.png"]}' is not there any more; its visual tokens are those of the file that was there. The same holds for further files, which are not told.", _warnings.Single());
        string missing = Assert.Throws<Exception>(() => Tokens(encoder, cache: null)).Message;
        StringAssert.Contains(missing, "0.png");
    }

    /// <summary>One transformer, epoch after epoch: the folder goes after the first.</summary>
    [TestMethod]
    public void ATrainingGoesOnWithoutItsPictures()
    {
        using ImageEncoder encoder = Encoder();
        using EncodeImagesTransformer encoding = Encoding(encoder, Folder["cache"]);
        var epochs = new List<int>();
        VisualPredictiveInstructionTuningTrainer.Options options = TinyModels.TrainerOptions();
        options.Training = options.Training with { MaximumSteps = null, Epochs = 3 };
        options.Progress = new Receiver(status =>
        {
            epochs.Add(status.Epoch);
            if (status.Epoch == 1 && Directory.Exists(Folder["pictures"]) && status.Step == 2) Directory.Delete(Folder["pictures"], recursive: true);
        });
        using MetaMorphTransformer model = _ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(options).Fit(encoding.Transform(Rows()));
        CollectionAssert.AreEqual(new[] { 1, 1, 2, 2, 3, 3 }, epochs);
    }

    [TestMethod]
    public void DamagedEntriesAreComputedAgainAndTold()
    {
        using ImageEncoder encoder = Encoder();
        List<object?[]> expected = Tokens(encoder, Folder["cache"]);
        string[] entries = Entries();
        (byte[] bit, byte[] cut) = (File.ReadAllBytes(entries[1]), File.ReadAllBytes(entries[3]));
        bit[^1] ^= 1;
        File.WriteAllBytes(entries[1], bit);
        File.WriteAllBytes(entries[3], cut[..^4]);
        ColumnValues.AssertEqual(expected, Tokens(encoder, Folder["cache"]), 0, "behind damage");
        Assert.HasCount(2, _warnings);
        string told = _warnings.Single(warning => warning.Contains(entries[1], StringComparison.Ordinal));
        StringAssert.StartsWith(told, $"The visual tokens in '{entries[1]}' are damaged and are computed again: its values have the checksum ");
        Assert.Contains($"The visual tokens in '{entries[3]}' are damaged and are computed again: it has 140 bytes and says that it holds 32 values; a picture of this encoder has 32.", _warnings);
        _warnings.Clear();
        ColumnValues.AssertEqual(expected, Tokens(encoder, Folder["cache"]), 0, "mended");
        Assert.IsEmpty(_warnings);
    }

    /// <summary>The path is a hint: what the file holds, and which encoder it is, decide.</summary>
    [TestMethod]
    public void AnotherPictureAndAnotherEncoderHaveTokensOfTheirOwn()
    {
        using ImageEncoder encoder = Encoder();
        List<object?[]> expected = Tokens(encoder, Folder["cache"]);
        // The same picture under another path is the same entry.
        File.Copy(Folder["pictures/2.png"], Folder["pictures/again.png"]);
        ColumnValues.AssertEqual([expected[2]], Tokens(encoder, Folder["cache"], "again.png"), 0, "copied");
        Assert.HasCount(Pictures, Entries());
        File.WriteAllBytes(Folder["pictures/2.png"], [.. Png(201), 0]);
        ColumnValues.AssertEqual(Tokens(encoder, cache: null), Tokens(encoder, Folder["cache"]), 0, "another picture");
        Assert.HasCount(Pictures + 1, Entries());
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml, rows: 5);
        using ImageEncoder other = trained.Encoder;
        ColumnValues.AssertEqual(Tokens(other, cache: null), Tokens(other, Folder["cache"]), 0, "another encoder");
        Assert.HasCount(2 * Pictures + 1, Entries());
    }

    [TestMethod]
    public void RowsOfWhichNothingIsAskedAreNotDecoded()
    {
        using ImageEncoder encoder = Encoder();
        using EncodeImagesTransformer encoding = Encoding(encoder, Folder["cache"]);
        IDataView view = encoding.Transform(Rows());
        using (DataViewRowCursor cursor = view.GetRowCursor([view.Schema["VisualTokens"]]))
        {
            ValueGetter<VBuffer<float>> get = cursor.GetGetter<VBuffer<float>>(view.Schema["VisualTokens"]);
            VBuffer<float> tokens = default;
            for (int row = 0; cursor.MoveNext(); row++)
            {
                if (row == Pictures - 1) get(ref tokens);
            }

            Assert.AreEqual(32, tokens.Length);
        }

        // Two rows at a time: the last one is alone.
        Assert.HasCount(1, Entries());
    }

    /// <summary>A disk that is full costs the next epoch its time, not the run.</summary>
    [TestMethod]
    public void ACacheThatCannotBeWrittenIsToldOnce()
    {
        using ImageEncoder encoder = Encoder();
        List<object?[]> expected = Tokens(encoder, Folder["cache"]);
        string own = Path.GetDirectoryName(Path.GetDirectoryName(Entries()[0]))!;
        Directory.Delete(own, recursive: true);
        File.WriteAllText(own, "a file in the folder's place");
        ColumnValues.AssertEqual(expected, Tokens(encoder, Folder["cache"]), 0, "not kept");
        StringAssert.StartsWith(_warnings.Single(), $"Visual tokens cannot be kept in '{own}', so further pictures are encoded again in every epoch: ");
        Assert.AreEqual("CacheFolder", Assert.ThrowsExactly<ArgumentException>(() => Tokens(encoder, " ")).ParamName);
    }

    private List<object?[]> Tokens(ImageEncoder encoder, string? cache, params string[] pictures)
    {
        using EncodeImagesTransformer encoding = Encoding(encoder, cache);
        return ColumnValues.Rows(encoding.Transform(Rows(pictures)), ["VisualTokens"]);
    }

    private EncodeImagesTransformer Encoding(ImageEncoder encoder, string? cache) => _ml.MetaMorph().EncodeImages(new EncodeImagesEstimator.Options
    {
        InputColumnNames = ["Picture"],
        Encoder = encoder,
        ImageFolder = Folder["pictures"],
        BatchSize = 2,
        CacheFolder = cache,
    }).Fit(Rows());

    private IDataView Rows(params string[] pictures)
    {
        if (pictures.Length == 0) pictures = [.. Enumerable.Range(0, Pictures).Select(i => $"{i}.png")];
        return _ml.Data.LoadFromEnumerable(pictures.Select(path => new PathRow { Picture = path }).ToArray());
    }

    private ImageEncoder Encoder()
    {
        using EncodeImagesTransformer trained = TinyModels.TrainEncoder(_ml);
        return trained.Encoder;
    }

    private string[] Entries() => [.. Directory.GetFiles(Folder["cache/tokens"], "*.tokens", SearchOption.AllDirectories).Order(StringComparer.Ordinal)];

    private static byte[] Png(byte red)
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(new SKColor(red, 40, 10));
        using SKData data = bitmap.Encode(SKEncodedImageFormat.Png, 100);
        return data.ToArray();
    }

    private sealed class PathRow
    {
        public string Prompt { get; set; } = "<image>Which colour?";

        public string Response { get; set; } = "red";

        public string Picture { get; set; } = "";
    }

    private sealed class Receiver(Action<TrainingStatus> receive) : IProgress<TrainingStatus>
    {
        public void Report(TrainingStatus value) => receive(value);
    }
}
