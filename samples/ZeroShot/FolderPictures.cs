using Microsoft.ML;

namespace ZeroShot;

/// <summary>Pictures of one's own: a folder for each label.</summary>
internal static class FolderPictures
{
    private const int LessonsInFive = 4;

    private static readonly string[] Extensions = [".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif"];

    /// <summary>Four of five pictures of each label are lessons, one is a question.</summary>
    public static LabelledPictures Read(MLContext ml, string folder, int seed)
    {
        var random = new Random(seed);
        var lessons = new List<Row>();
        var questions = new List<Row>();
        string[] labels = [.. Directory.GetDirectories(folder).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
        if (labels.Length < 2) throw new InvalidDataException($"'{folder}' holds {labels.Length} folders; each label needs one, and there must be at least two.");
        foreach (string label in labels)
        {
            string[] files = [.. Directory.GetFiles(Path.Combine(folder, label)).Where(file => Extensions.Contains(Path.GetExtension(file).ToLowerInvariant())).Order(StringComparer.Ordinal)];
            if (files.Length < 5) throw new InvalidDataException($"'{Path.Combine(folder, label)}' holds {files.Length} pictures ({string.Join(", ", Extensions)}); at least 5 are needed.");
            random.Shuffle(files);
            for (int i = 0; i < files.Length; i++) (i % 5 < LessonsInFive ? lessons : questions).Add(new Row { Image = Path.GetFullPath(files[i]), Label = label });
        }

        return new LabelledPictures(ml.Data.LoadFromEnumerable(lessons), ml.Data.LoadFromEnumerable(questions), labels, ["This is a photo of {0}.", "a photo of a {0}"]);
    }

    private sealed class Row
    {
        public string Image { get; set; } = "";

        public string Label { get; set; } = "";
    }
}
