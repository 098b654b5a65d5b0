using System.Text.RegularExpressions;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// A folder of checkpoints, each a folder of its own that appears whole or not at all: it is written beside its place, brought to the disk and
/// renamed. The newest are kept. One training at a time holds the folder.
/// </summary>
internal sealed partial class CheckpointStore : IDisposable
{
    /// <summary>Weights, moments and averages.</summary>
    public const string StateFile = "state.safetensors";

    /// <summary>All else: <see cref="TrainingCheckpoint"/>.</summary>
    public const string HeaderFile = "checkpoint.json";

    private const string LockFile = ".lock";

    private readonly string _folder;
    private readonly int _count;
    private readonly Func<string, Stream> _create;
    private readonly FileStream _lock;
    private readonly HashSet<string> _damaged = new(StringComparer.Ordinal);

    /// <param name="folder">Made where it does not exist; what killed writes left in it is removed.</param>
    /// <param name="count">Checkpoints that are kept.</param>
    /// <param name="create">Opens a file to write; null: a file on the disk.</param>
    /// <exception cref="IOException">The folder cannot be used, or another training holds it.</exception>
    public CheckpointStore(string folder, int count, Func<string, Stream>? create = null)
    {
        (_folder, _count, _create) = (folder, count, create ?? (path => new FileStream(path, FileMode.CreateNew, FileAccess.Write)));
        Directory.CreateDirectory(folder);
        _lock = Hold(folder);
        foreach (string leftover in Directory.EnumerateDirectories(folder, ".*.tmp").Where(path => Leftover().IsMatch(Path.GetFileName(path))).ToArray()) Directory.Delete(leftover, recursive: true);
    }

    /// <summary>The checkpoint to go on from: the one that ended the training, or else the last whole one; null where there is none.</summary>
    /// <param name="warn">Told of those that are not whole, which are passed over.</param>
    /// <exception cref="NotSupportedException">A newer library wrote it.</exception>
    public TrainingCheckpoint? FindLast(Action<string> warn) => Stored().Select(name => ReadWhole(name, warn)).FirstOrDefault(read => read is not null);

    /// <summary>The folder of a checkpoint.</summary>
    public string PathOf(string name) => Path.Combine(_folder, name);

    /// <summary>Uses the tensors of a checkpoint, which are views of its file.</summary>
    public void Read(TrainingCheckpoint checkpoint, Action<IReadOnlyDictionary<string, Tensor>> use)
    {
        using var scope = NewDisposeScope();
        using SafeTensorsArchive archive = SafeTensorsArchive.Open(Path.Combine(PathOf(checkpoint.Name), StateFile));
        Dictionary<string, Tensor> tensors = archive.Tensors.Keys.ToDictionary(name => name, archive.Read);
        try
        {
            use(tensors);
        }
        finally
        {
            foreach (Tensor tensor in tensors.Values) tensor.Dispose();
        }
    }

    /// <summary>Writes a checkpoint and removes those that are one too many.</summary>
    /// <exception cref="IOException">It cannot be written; the checkpoints before it are as they were.</exception>
    public void Write(TrainingCheckpoint checkpoint, IReadOnlyDictionary<string, Tensor> state)
    {
        string temporary = TemporaryOf(checkpoint.Name);
        try
        {
            Directory.CreateDirectory(temporary);
            (long bytes, uint checksum) = WriteFile(Path.Combine(temporary, StateFile), stream => SafeTensorsWriter.Write(stream, state));
            WriteFile(Path.Combine(temporary, HeaderFile), (checkpoint with { StateBytes = bytes, StateChecksum = checksum }).Write);
            // One of this name that is not whole was passed over.
            Remove(checkpoint.Name);
            Directory.Move(temporary, PathOf(checkpoint.Name));
            _damaged.Remove(checkpoint.Name);
            foreach (string old in Sound().Skip(_count).ToArray()) Remove(old);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            if (Directory.Exists(temporary)) Directory.Delete(temporary, recursive: true);
            throw new IOException(NotWritten(checkpoint, state, failure), failure);
        }
    }

    public void Dispose() => _lock.Dispose();

    private static FileStream Hold(string folder)
    {
        string path = Path.Combine(folder, LockFile);
        try
        {
            return new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 1, FileOptions.DeleteOnClose);
        }
        catch (IOException failure)
        {
            throw new IOException($"'{folder}' is in use by another training, or cannot be written to ({failure.Message}). Give each training a CheckpointFolder of its own.", failure);
        }
    }

    /// <summary>Names of checkpoints, the one that ended a training first, then the newest.</summary>
    private IEnumerable<string> Stored()
        => Directory.EnumerateDirectories(_folder).Select(path => Whole().Match(Path.GetFileName(path)))
            .Where(match => match.Success)
            .OrderBy(match => match.Groups["kind"].Value, StringComparer.Ordinal)       // "finished" before "step"
            .ThenByDescending(match => long.Parse(match.Groups["step"].Value, System.Globalization.CultureInfo.InvariantCulture))
            .Select(match => match.Value);

    /// <summary>The same without those that are known not to be whole, which keep no sound one from being kept.</summary>
    private IEnumerable<string> Sound() => Stored().Where(name => !_damaged.Contains(name));

    private TrainingCheckpoint? ReadWhole(string name, Action<string> warn)
    {
        (string header, string state) = (Path.Combine(PathOf(name), HeaderFile), Path.Combine(PathOf(name), StateFile));
        string? missing = new[] { header, state }.FirstOrDefault(path => !File.Exists(path));
        if (missing is not null) return PassOver(name, $"{Path.GetFileName(missing)} is missing", warn);
        try
        {
            TrainingCheckpoint read = TrainingCheckpoint.Read(header);
            return Damage(read, name, state) is { } damage ? PassOver(name, damage, warn) : read;
        }
        catch (Exception broken) when (broken is InvalidDataException or IOException)
        {
            return PassOver(name, broken.Message.TrimEnd('.'), warn);
        }
    }

    /// <summary>What is wrong with a checkpoint whose header can be read; null: nothing.</summary>
    private static string? Damage(TrainingCheckpoint read, string name, string state)
    {
        long length = new FileInfo(state).Length;
        if (length != read.StateBytes) return $"{StateFile} has {length} bytes, {read.StateBytes} were written";
        if (read.Name != name) return $"{HeaderFile} is that of {read.Name}";
        if (read.StateChecksum is not { } written) return null;
        uint found = Crc32C.OfFile(state);
        return found == written ? null : $"{StateFile} has the checksum {found:x8}, {written:x8} was written";
    }

    private TrainingCheckpoint? PassOver(string name, string why, Action<string> warn)
    {
        _damaged.Add(name);
        warn($"The checkpoint '{PathOf(name)}' is not whole and is passed over: {why}.");
        return null;
    }

    private (long Bytes, uint Checksum) WriteFile(string path, Action<Stream> write)
    {
        using Stream stream = _create(path);
        using var summed = new ChecksumStream(stream);
        write(summed);
        if (stream is FileStream file) file.Flush(flushToDisk: true);
        else stream.Flush();
        return (stream.Length, summed.Checksum);
    }

    /// <summary>Takes a checkpoint out of the way in one step, then deletes it: a killed deletion leaves no half of one.</summary>
    private void Remove(string name)
    {
        if (!Directory.Exists(PathOf(name))) return;
        string temporary = TemporaryOf(name);
        Directory.Move(PathOf(name), temporary);
        Directory.Delete(temporary, recursive: true);
    }

    private string TemporaryOf(string name) => Path.Combine(_folder, $".{name}.{Guid.NewGuid():N}.tmp");

    private string NotWritten(TrainingCheckpoint checkpoint, IReadOnlyDictionary<string, Tensor> state, Exception failure)
    {
        long bytes = state.Values.Sum(tensor => tensor.numel() * ElementTypes.Bytes(tensor.dtype));
        string last = Directory.Exists(_folder) && Sound().FirstOrDefault() is { } name ? $"The last one, '{name}', is whole" : "There is none before it";
        return FormattableString.Invariant($"The checkpoint of step {checkpoint.Step} ({bytes:N0} bytes) cannot be written into '{_folder}': {failure.Message} {last}. Free space or give another CheckpointFolder, and fit again.");
    }

    [GeneratedRegex(@"^(?<kind>step|finished)-(?<step>\d{8,18})$", RegexOptions.CultureInvariant)]
    private static partial Regex Whole();

    [GeneratedRegex(@"^\.(step|finished)-\d{8,18}\.[0-9a-f]{32}\.tmp$", RegexOptions.CultureInvariant)]
    private static partial Regex Leftover();
}
