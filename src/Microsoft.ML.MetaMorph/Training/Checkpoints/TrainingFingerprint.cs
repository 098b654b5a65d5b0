using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>What has to be the same where a training goes on from a checkpoint: names and values, as the user set them.</summary>
/// <param name="trainer">Which training it is.</param>
internal sealed class TrainingFingerprint(string trainer)
{
    private const string Absent = "absent", Rows = "Number of rows";

    // Of texts, as many as tell two data sets apart without reading all.
    private const int TextCount = 512;

    // Of a hash, as many as tell two models apart.
    private const int HashCharacters = 16;

    private static readonly JsonSerializerOptions Json = new()
    {
        Converters = { new JsonStringEnumConverter() },
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private readonly SortedDictionary<string, string> _values = new(StringComparer.Ordinal) { ["Trainer"] = trainer };

    /// <summary>All values.</summary>
    public IReadOnlyDictionary<string, string> Values => _values;

    /// <summary>One value; null is left out.</summary>
    public TrainingFingerprint With(string name, object? value)
    {
        if (value is not null) _values[name] = Convert.ToString(value, CultureInfo.InvariantCulture)!;
        return this;
    }

    /// <summary>The number of rows, where it is known: a cache knows it only after its first pass, so it is compared where both know it.</summary>
    public TrainingFingerprint WithRows(long? count) => With(Rows, count);

    /// <summary>The first texts of rows, in the order of the data.</summary>
    /// <param name="name">Which rows these are.</param>
    /// <param name="texts">Read no further than needed.</param>
    public TrainingFingerprint WithTexts(string name, IEnumerable<string?> texts)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        int count = 0;
        foreach (string? text in texts.Take(TextCount))
        {
            byte[] bytes = Encoding.UTF8.GetBytes(text ?? "");
            hash.AppendData(BitConverter.GetBytes(bytes.Length));
            hash.AppendData(bytes);
            count++;
        }

        _values[name] = string.Create(CultureInfo.InvariantCulture, $"{count}, hash {Convert.ToHexStringLower(hash.GetHashAndReset())[..HashCharacters]}");
        return this;
    }

    /// <summary>Every public option of an object.</summary>
    /// <param name="name">What the user calls the object.</param>
    /// <param name="options">The object.</param>
    /// <param name="free">Options that may change between two runs, because they do not change what is learned.</param>
    public TrainingFingerprint WithOptions(string name, object options, params string[] free)
    {
        return WithFields(name, JsonSerializer.SerializeToElement(options, options.GetType(), Json), free);
    }

    /// <summary>A configuration as it is written beside weights: what is computed with the same weights depends on it.</summary>
    /// <param name="name">Whose it is.</param>
    /// <param name="write">Writes it; null where there is none.</param>
    public TrainingFingerprint WithConfig(string name, Action<Utf8JsonWriter>? write) => write is null ? this : WithFields(name, JsonFile.Value(write), []);

    /// <summary>Weights that the options do not tell: their names, shapes and bits.</summary>
    public TrainingFingerprint WithWeights(string name, IEnumerable<KeyValuePair<string, Tensor>> weights)
    {
        using var hash = SHA256.Create();
        using (var stream = new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write)) SafeTensorsWriter.Write(stream, weights);
        _values[name] = "weights " + Convert.ToHexStringLower(hash.Hash!)[..HashCharacters];
        return this;
    }

    /// <summary>The folder that a training starts from, and the weights that were found there: others may lie under the same path the next time.</summary>
    /// <param name="folder">As the user named it.</param>
    /// <param name="start">What was made of it, not trained yet.</param>
    public TrainingFingerprint WithPretrained(string folder, nn.Module start)
        => With("PretrainedFolder", folder).WithWeights("Model of PretrainedFolder", start.named_parameters().Select(entry => KeyValuePair.Create(entry.name, (Tensor)entry.parameter)));

    /// <summary>Files that the options do not tell, by their bytes.</summary>
    public TrainingFingerprint WithBytes(string name, IReadOnlyDictionary<string, byte[]> files)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach ((string file, byte[] bytes) in files.OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            hash.AppendData(Encoding.UTF8.GetBytes(file));
            hash.AppendData(SHA256.HashData(bytes));
        }

        _values[name] = "files " + Convert.ToHexStringLower(hash.GetHashAndReset())[..HashCharacters];
        return this;
    }

    /// <summary>In which values another training differs, in words; both of each are named.</summary>
    /// <param name="stored">Of the checkpoint.</param>
    public IReadOnlyList<string> DifferencesFrom(IReadOnlyDictionary<string, string> stored)
        => [.. _values.Keys.Union(stored.Keys).Order(StringComparer.Ordinal).Where(name => Differs(name, stored)).Select(name => $"{name} is {Of(stored, name)} there and {Of(_values, name)} here")];

    private TrainingFingerprint WithFields(string name, JsonElement fields, string[] free)
    {
        foreach (JsonProperty field in fields.EnumerateObject())
        {
            if (!free.Contains(field.Name)) _values[$"{name}.{field.Name}"] = field.Value.ValueKind == JsonValueKind.String ? field.Value.GetString()! : field.Value.GetRawText();
        }

        return this;
    }

    private bool Differs(string name, IReadOnlyDictionary<string, string> stored)
        => Of(stored, name) != Of(_values, name) && (name != Rows || (stored.ContainsKey(name) && _values.ContainsKey(name)));

    private static string Of(IReadOnlyDictionary<string, string> values, string name) => values.TryGetValue(name, out string? value) ? value : Absent;
}
