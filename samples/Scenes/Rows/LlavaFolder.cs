using System.Text.Encodings.Web;
using System.Text.Json;

namespace Scenes;

/// <summary>Writes rows as a LLaVA-style data set: <c>rows.jsonl</c> beside a folder of PNG files.</summary>
public static class LlavaFolder
{
    private static readonly JsonSerializerOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Writes every row; pictures go to <c>images/NNNNNN-K.png</c>.</summary>
    /// <returns>How many rows and pictures were written.</returns>
    public static (int Rows, int Pictures) Write(string folder, IEnumerable<SceneRow> rows)
    {
        Directory.CreateDirectory(Path.Combine(folder, "images"));
        using var lines = new StreamWriter(Path.Combine(folder, "rows.jsonl"));
        int count = 0, pictures = 0;
        foreach (SceneRow row in rows)
        {
            string[] names = [.. row.Pictures.Select((_, k) => $"images/{count:D6}-{k}.png")];
            for (int k = 0; k < names.Length; k++) row.Pictures[k].Save(Path.Combine(folder, names[k]));
            lines.WriteLine(JsonSerializer.Serialize(new
            {
                id = $"{count:D6}",
                kind = row.Kind.ToString(),
                image = names,
                conversations = new[] { new { from = "human", value = row.Prompt }, new { from = "gpt", value = row.Response } },
            }, Options));
            count++;
            pictures += names.Length;
        }
        return (count, pictures);
    }
}
