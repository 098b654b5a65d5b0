using System.Text;
using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>The files that make a tokenizer, kept as they were read so that a model can carry them along.</summary>
internal sealed class TokenizerFiles
{
    public const string Tokenizer = "tokenizer.json";
    public const string Configuration = "tokenizer_config.json";
    public const string SpecialTokens = "special_tokens_map.json";
    public const string ChatTemplate = "chat_template.jinja";
    public const string ChatTemplateJson = "chat_template.json";

    private static readonly string[] Known = [Tokenizer, Configuration, SpecialTokens, ChatTemplate, ChatTemplateJson];

    private readonly IReadOnlyDictionary<string, byte[]> _contents;
    private readonly IReadOnlyDictionary<string, string> _givenBy;

    public TokenizerFiles(IReadOnlyDictionary<string, byte[]> contents, string location, IReadOnlyDictionary<string, string>? givenBy = null)
    {
        _contents = contents;
        _givenBy = givenBy ?? new Dictionary<string, string>();
        Location = location;
    }

    /// <summary>The folder, for messages.</summary>
    public string Location { get; }

    public IReadOnlyDictionary<string, byte[]> Contents => _contents;

    /// <summary>Reads the files that are there from a folder, or from the folder of the given <c>tokenizer.json</c>.</summary>
    public static TokenizerFiles Read(string folderOrFile)
    {
        bool isFile = File.Exists(folderOrFile);
        if (!isFile && !Directory.Exists(folderOrFile)) throw new FileNotFoundException($"There is no folder and no file '{folderOrFile}' to read a tokenizer from.", folderOrFile);
        string folder = isFile ? Path.GetDirectoryName(Path.GetFullPath(folderOrFile))! : folderOrFile;
        var contents = new Dictionary<string, byte[]>();
        foreach (string name in Known.Where(n => File.Exists(Path.Combine(folder, n)))) contents[name] = File.ReadAllBytes(Path.Combine(folder, name));
        if (isFile && Path.GetFileName(folderOrFile) is var given && !Known.Contains(given)) contents[Tokenizer] = File.ReadAllBytes(folderOrFile);
        return new TokenizerFiles(contents, folder);
    }

    public bool Has(string name) => _contents.ContainsKey(name);

    /// <summary>Where a file's content comes from, for messages: its path, or who gave it in the file's place.</summary>
    public string PathOf(string name) => _givenBy.TryGetValue(name, out string? giver) ? giver : Path.Combine(Location, name);

    public string? Text(string name) => _contents.TryGetValue(name, out byte[]? bytes) ? Encoding.UTF8.GetString(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsSpan(3) : bytes) : null;

    /// <summary>The parsed file, or null where there is none.</summary>
    public TokenizerSection? Json(string name)
    {
        if (!_contents.TryGetValue(name, out byte[]? bytes)) return null;
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes.AsSpan().StartsWith(Encoding.UTF8.Preamble) ? bytes.AsMemory(3) : bytes);
            return new TokenizerSection(document.RootElement.Clone(), PathOf(name), "");
        }
        catch (JsonException malformed)
        {
            throw new InvalidDataException($"{PathOf(name)}: the file is no valid JSON: {malformed.Message}", malformed);
        }
    }

    /// <summary>The same files with another content of one of them.</summary>
    /// <param name="name">The file.</param>
    /// <param name="content">Its content.</param>
    /// <param name="givenBy">Who gave it, for messages; null where it is still the file's own.</param>
    public TokenizerFiles With(string name, byte[] content, string? givenBy = null)
    {
        var givers = new Dictionary<string, string>(_givenBy);
        if (givenBy is not null) givers[name] = givenBy;
        return new(new Dictionary<string, byte[]>(_contents) { [name] = content }, Location, givers);
    }

    public void Write(string folder)
    {
        Directory.CreateDirectory(folder);
        foreach ((string name, byte[] content) in _contents) File.WriteAllBytes(Path.Combine(folder, name), content);
    }
}
