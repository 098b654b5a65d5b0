using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>A file of JSON beside weights: configurations and indices.</summary>
internal static class JsonFile
{
    /// <summary>A file as <paramref name="parse"/> understands it; its errors are given the file's name.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    /// <exception cref="InvalidDataException">It is not JSON, or <paramref name="parse"/> said so.</exception>
    /// <exception cref="NotSupportedException"><paramref name="parse"/> said so.</exception>
    public static T Read<T>(string path, Func<JsonElement, T> parse) => ReadText(path, text =>
    {
        using JsonDocument document = JsonDocument.Parse(text);
        return parse(document.RootElement);
    });

    /// <summary>The same for what is nearly JSON, which <paramref name="parse"/> mends.</summary>
    public static T ReadText<T>(string path, Func<string, T> parse)
    {
        if (!File.Exists(path)) throw new FileNotFoundException($"'{path}' does not exist.", path);
        return Named(path, () => parse(File.ReadAllText(path)));
    }

    /// <summary>Gives the errors of <paramref name="parse"/> the name of the file whose content it reads, wherever that lies.</summary>
    /// <exception cref="InvalidDataException">The content is not JSON, or <paramref name="parse"/> said so.</exception>
    /// <exception cref="NotSupportedException"><paramref name="parse"/> said so.</exception>
    public static T Named<T>(string file, Func<T> parse)
    {
        try
        {
            return parse();
        }
        catch (JsonException broken)
        {
            throw new InvalidDataException($"'{file}' is not valid JSON: {broken.Message}", broken);
        }
        catch (InvalidDataException unusable)
        {
            throw new InvalidDataException($"'{file}': {unusable.Message}", unusable);
        }
        catch (NotSupportedException unknown)
        {
            throw new NotSupportedException($"'{file}': {unknown.Message}", unknown);
        }
    }

    /// <summary>Writes a file that appears whole or not at all.</summary>
    public static void Write(string path, Action<Utf8JsonWriter> write)
    {
        using var file = new AtomicFile(path);
        Write(file.Stream, write);
        file.Commit();
    }

    /// <summary>What <paramref name="write"/> writes.</summary>
    public static JsonElement Value(Action<Utf8JsonWriter> write) => JsonSerializer.Deserialize<JsonElement>(Bytes(write));

    /// <summary>The bytes of one JSON value that writes itself.</summary>
    public static byte[] Bytes(Action<Utf8JsonWriter> write)
    {
        using var buffer = new MemoryStream();
        Write(buffer, write);
        return buffer.ToArray();
    }

    private static void Write(Stream stream, Action<Utf8JsonWriter> write)
    {
        using var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true });
        write(writer);
    }
}
