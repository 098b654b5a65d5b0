using System.Text.Json.Serialization;
using Parquet;
using Parquet.Serialization;

namespace Microsoft.ML.MetaMorph.Readers.Tests;

/// <summary>A turn of LLaVA's form.</summary>
public sealed class Turn
{
    [JsonPropertyName("from")]
    public string? From { get; set; }

    [JsonPropertyName("value")]
    public string? Value { get; set; }
}

/// <summary>A message of Hugging Face's form.</summary>
public sealed class Message
{
    [JsonPropertyName("role")]
    public string? Role { get; set; }

    [JsonPropertyName("content")]
    public string? Content { get; set; }
}

/// <summary>What Hugging Face's feature "Image" is stored as.</summary>
public sealed class Picture
{
    [JsonPropertyName("bytes")]
    public byte[]? Bytes { get; set; }

    [JsonPropertyName("path")]
    public string? Path { get; set; }
}

public sealed class LlavaRow
{
    [JsonPropertyName("id")]
    public int Id { get; set; }

    [JsonPropertyName("conversations")]
    public List<Turn>? Conversations { get; set; }

    [JsonPropertyName("image")]
    public Picture? Image { get; set; }
}

public sealed class ChatRow
{
    [JsonPropertyName("images")]
    public List<Picture>? Images { get; set; }

    [JsonPropertyName("messages")]
    public List<Message>? Messages { get; set; }
}

public sealed class CaptionRow
{
    [JsonPropertyName("image")]
    public byte[]? Image { get; set; }

    [JsonPropertyName("caption")]
    public string? Caption { get; set; }

    [JsonPropertyName("likes")]
    public long Likes { get; set; }
}

public sealed class PathRow
{
    [JsonPropertyName("picture")]
    public string? Picture { get; set; }

    [JsonPropertyName("question")]
    public string? Question { get; set; }

    [JsonPropertyName("answer")]
    public string? Answer { get; set; }
}

/// <summary>Files in a folder that is gone when the test is over.</summary>
public abstract class ParquetFiles
{
    private protected string Folder { get; } = Path.Combine(Path.GetTempPath(), $"metamorph-{Guid.NewGuid():N}");

    [TestInitialize]
    public void MakeFolder() => Directory.CreateDirectory(Folder);

    [TestCleanup]
    public void RemoveFolder() => Directory.Delete(Folder, recursive: true);

    private protected async Task<string> WriteAsync<T>(string name, IReadOnlyList<T> rows, int groupSize = 1000)
    {
        string file = Path.Combine(Folder, name);
        await ParquetSerializer.SerializeAsync(rows, file, new ParquetOptions { RowGroupSize = groupSize });
        return file;
    }
}
