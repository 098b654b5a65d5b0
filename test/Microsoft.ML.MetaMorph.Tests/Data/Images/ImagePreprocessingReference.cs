using System.Text.Json;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Cases of the kind <c>image-preprocessing</c>: picture files and, for each size, the grey levels that the published processor gives.</summary>
[TestClass]
public sealed class ImagePreprocessingReference
{
    [ReferenceKind("image-preprocessing")]
    internal static void Check(ReferenceCase reference)
    {
        Assert.IsNotEmpty(reference.Names, $"{reference.Name}: no expected values");
        string[] without = [.. Directory.GetFiles(reference.Folder).Select(file => Path.GetFileName(file)).Where(file => file is not (ReferenceCase.CaseFile or ReferenceCase.FiguresFile))
            .Where(file => !reference.Names.Any(name => name[..name.LastIndexOf('.')] == Path.GetFileNameWithoutExtension(file)))];
        Assert.IsEmpty(without, $"{reference.Name}: pictures without figures: {string.Join(", ", without)}");
        foreach (string name in reference.Names)
        {
            Tensor expected = reference[name];
            string stem = name[..name.LastIndexOf('.')];
            string[] files = Directory.GetFiles(reference.Folder, stem + ".*");
            Assert.HasCount(1, files, $"{reference.Name}: pictures of {name}");
            var preprocessor = new SiglipImagePreprocessor(Config(reference.Json, (int)expected.shape[1], (int)expected.shape[2]));
            Compare(reference, name, expected, preprocessor.Preprocess(ImageDecoder.DecodeFile(files[0])), preprocessor.Config);
        }
    }

    // The figures are grey levels: the mean and the deviation that the case names cancel out, so a wrong one does not show here.
    private static void Compare(ReferenceCase reference, string name, Tensor expected, float[] actual, ImagePreprocessorConfig config)
    {
        byte[] levels = expected.bytes.ToArray();
        Assert.HasCount(levels.Length, actual, $"{reference.Name}: {name}");
        int plane = levels.Length / 3, different = 0, largest = 0;
        for (int i = 0; i < levels.Length; i++)
        {
            double level = Math.Round(255 * ((double)actual[i] * config.StandardDeviation[i / plane] + config.Mean[i / plane]));
            int difference = (int)Math.Abs(level - levels[i]);
            if (difference > 0) different++;
            largest = Math.Max(largest, difference);
        }
        int allowedLevels = reference.Json.GetProperty("max_level_difference").GetInt32();
        double allowedFraction = reference.Json.GetProperty("max_fraction_different").GetDouble();
        Assert.IsLessThanOrEqualTo(allowedLevels, largest, $"{reference.Name}: {name} differs by {largest} grey levels, allowed {allowedLevels}");
        Assert.IsLessThanOrEqualTo(allowedFraction, (double)different / levels.Length, $"{reference.Name}: {name} differs in {different} of {levels.Length} values, allowed {allowedFraction:P1}");
    }

    private static ImagePreprocessorConfig Config(JsonElement json, int height, int width) => new()
    {
        Height = height,
        Width = width,
        Mean = Channels(json.GetProperty("mean")),
        StandardDeviation = Channels(json.GetProperty("std")),
        Resample = Filter(json.GetProperty("resample").GetString()!),
        AspectRatio = json.TryGetProperty("image_aspect_ratio", out JsonElement ratio) && ratio.GetString() == "pad" ? ImageAspectRatio.Pad : ImageAspectRatio.Square,
    };

    /// <summary>"bicubic (antialiased)": every filter of ours is antialiased.</summary>
    private static ResampleFilter Filter(string text)
    {
        string[] words = text.Split(' ', 2);
        Assert.AreEqual("(antialiased)", words.ElementAtOrDefault(1), $"resample is '{text}'");
        return Enum.Parse<ResampleFilter>(words[0], ignoreCase: true);
    }

    private static float[] Channels(JsonElement value) => value.ValueKind == JsonValueKind.Array
        ? [.. value.EnumerateArray().Select(x => x.GetSingle())]
        : [value.GetSingle(), value.GetSingle(), value.GetSingle()];
}
