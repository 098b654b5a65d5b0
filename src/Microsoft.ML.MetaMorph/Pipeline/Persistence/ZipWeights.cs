namespace Microsoft.ML.MetaMorph;

/// <summary>The weights of one transformer in a model zip: a safetensors file, stored as it is.</summary>
/// <remarks>
/// Large weights are mapped where they lie, so that loading copies nothing; the zip is then kept open for reading, which makes an
/// attempt to overwrite it fail instead of destroying the mapping. Small weights, and those of a zip that is no file on disk, go
/// through a temporary file that is deleted at once (their checksum is compared on the way), and leave the zip free: a small model may be saved over the file it came from.
/// </remarks>
internal sealed class ZipWeights : IDisposable
{
    /// <summary>The file's name in the transformer's directory.</summary>
    public const string FileName = "model.safetensors";

    /// <summary>From this many bytes on weights are mapped in place.</summary>
    public const long MapFrom = 64L << 20;

    private readonly FileStream? _kept;
    private readonly string? _temporary;

    private ZipWeights(TensorArchive archive, FileStream? kept, string? temporary)
    {
        Archive = archive;
        _kept = kept;
        _temporary = temporary;
    }

    public TensorArchive Archive { get; }

    /// <summary>Whether the weights lie in the zip itself.</summary>
    public bool IsMappedInPlace => _kept is not null;

    /// <summary>Writes tensors; an element type of theirs is kept.</summary>
    public static void Write(ModelZipWriter zip, IEnumerable<KeyValuePair<string, TorchSharp.torch.Tensor>> tensors)
        => zip.WriteStored(FileName, (stream, offset) => SafeTensorsWriter.Write(stream, tensors, position: offset));

    /// <summary>Opens the weights; messages about them name the zip, wherever they are read from.</summary>
    /// <param name="zip">The transformer's directory.</param>
    /// <param name="temporaryFolder">Where a temporary file may be made.</param>
    /// <param name="mapFrom">The number of bytes from which on weights are mapped in place.</param>
    /// <exception cref="InvalidDataException">They are missing or broken.</exception>
    public static ZipWeights Open(ModelZipReader zip, string temporaryFolder, long mapFrom = MapFrom)
    {
        long length = zip.Length(FileName);
        try
        {
            return length >= mapFrom && zip.Locate(FileName) is { } region ? InPlace(region, zip.NameOf(FileName)) : Copied(zip, temporaryFolder);
        }
        catch (Exception failure) when (failure is InvalidDataException or EndOfStreamException)
        {
            throw zip.Broken(FileName, failure);
        }
    }

    public void Dispose()
    {
        Archive.Dispose();
        _kept?.Dispose();
        TryDelete();
    }

    private static ZipWeights InPlace(FileRegion region, string location)
    {
        // The share mode turns File.Create on the same path into an error, on every system.
        var kept = new FileStream(region.Path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, bufferSize: 0);
        try
        {
            return new ZipWeights(SafeTensorsArchive.Open(region.Path, region.Offset, region.Length, location), kept, null);
        }
        catch
        {
            kept.Dispose();
            throw;
        }
    }

    private static ZipWeights Copied(ModelZipReader zip, string temporaryFolder)
    {
        string temporary = Path.Combine(temporaryFolder, $"metamorph-{Guid.NewGuid():N}.safetensors");
        try
        {
            using (Stream source = zip.Open(FileName))
            using (FileStream target = new(temporary, FileMode.CreateNew, FileAccess.Write, FileShare.None)) Copy(source, target, zip.Checksum(FileName));
            var weights = new ZipWeights(SafeTensorsArchive.OpenAs(temporary, zip.NameOf(FileName)), null, temporary);
            // Where the system lets a mapped file go, its name is gone at once; elsewhere with the weights.
            weights.TryDelete();
            return weights;
        }
        catch
        {
            File.Delete(temporary);
            throw;
        }
    }

    // Every byte passes by here, so its checksum costs next to nothing; of weights that are mapped it would cost reading them all.
    private static void Copy(Stream source, Stream target, uint expected)
    {
        var buffer = new byte[1 << 20];
        uint found = 0;
        long length = 0;
        for (int read; (read = source.Read(buffer)) > 0; length += read)
        {
            found = Crc32.Update(found, buffer.AsSpan(0, read));
            target.Write(buffer, 0, read);
        }

        if (found != expected) throw new InvalidDataException($"the checksum (CRC-32) of its {length} bytes is {found:X8}, the zip's directory says {expected:X8}: it was changed or damaged.");
    }

    private void TryDelete()
    {
        if (_temporary is null) return;
        try
        {
            File.Delete(_temporary);
        }
        catch (IOException)
        {
            // Windows keeps a mapped file; Dispose comes back.
        }
        catch (UnauthorizedAccessException)
        {
            // The same, as Windows says it for some file systems.
        }
    }
}
