using System.Text.Json.Nodes;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A folder of tokenizer files, made for one test and removed after it.</summary>
internal sealed class TokenizerFolder : IDisposable
{
    public TokenizerFolder(string? tokenizer = null, string? configuration = null)
    {
        Path = Directory.CreateTempSubdirectory("tokenizer").FullName;
        if (tokenizer is not null) Write("tokenizer.json", tokenizer);
        if (configuration is not null) Write("tokenizer_config.json", configuration);
    }

    public string Path { get; }

    /// <summary>A small BPE tokenizer over a, b and ab, with one component replaced or added.</summary>
    public static JsonObject Small(string? component = null, string? value = null)
    {
        JsonObject root = JsonNode.Parse("""
            {
              "version": "1.0",
              "added_tokens": [{ "id": 3, "content": "<x>", "special": true }],
              "normalizer": null, "pre_tokenizer": null, "post_processor": null, "decoder": null,
              "model": { "type": "BPE", "vocab": { "a": 0, "b": 1, "ab": 2 }, "merges": ["a b"] }
            }
            """)!.AsObject();
        if (component is not null) root[component] = value is null ? null : JsonNode.Parse(value);
        return root;
    }

    public static TokenizerFolder With(string component, string value) => new(Small(component, value).ToJsonString());

    public void Write(string name, string content) => File.WriteAllText(System.IO.Path.Combine(Path, name), content);

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
