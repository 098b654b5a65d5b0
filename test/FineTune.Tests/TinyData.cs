using System.Text.Json;
using SkiaSharp;

namespace FineTune.Tests;

/// <summary>A few dozen rows of all four kinds over pictures of one colour, in a folder that goes with the object.</summary>
internal sealed class TinyData : IDisposable
{
    private static readonly (string Name, SKColor Colour)[] Colours = [("red", SKColors.Red), ("green", SKColors.Green), ("blue", SKColors.Blue), ("white", SKColors.White), ("black", SKColors.Black), ("yellow", SKColors.Yellow)];

    public TinyData()
    {
        Directory.CreateDirectory(Images);
        foreach ((string name, SKColor colour) in Colours) Paint(name, colour);
        Rows = Write("rows.jsonl", AllRows());
    }

    public string Folder { get; } = Directory.CreateTempSubdirectory("metamorph-finetune-").FullName;

    public string Images => File("images");

    /// <summary>24 rows: six of each kind.</summary>
    public string Rows { get; }

    public string Picture => Path.Combine(Images, "red.png");

    public string File(string name) => Path.Combine(Folder, name);

    /// <summary>A data file of rows.</summary>
    public string Write(string name, IEnumerable<object> rows)
    {
        string path = File(name);
        System.IO.File.WriteAllLines(path, rows.Select(row => JsonSerializer.Serialize(row)));
        return path;
    }

    public static IEnumerable<object> AllRows()
    {
        for (int i = 0; i < Colours.Length; i++)
        {
            (string name, string other) = (Colours[i].Name, Colours[(i + 1) % Colours.Length].Name);
            yield return Row("<image>Which colour is it?", name, name);
            yield return Row($"Draw a {name} square.", "<image>", name);
            yield return Row($"Say {name}.", name);
            yield return Row($"<image>Make it {other}.", "<image>", name, other);
        }
    }

    /// <summary>A row in LLaVA's form.</summary>
    public static object Row(string prompt, string response, params string[] pictures) => new
    {
        conversations = new[] { new { from = "human", value = prompt }, new { from = "gpt", value = response } },
        image = pictures.Select(name => name + ".png").ToArray(),
    };

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private void Paint(string name, SKColor colour)
    {
        using var bitmap = new SKBitmap(16, 16);
        bitmap.Erase(colour);
        using FileStream file = System.IO.File.Create(Path.Combine(Images, name + ".png"));
        bitmap.Encode(file, SKEncodedImageFormat.Png, 100);
    }
}
