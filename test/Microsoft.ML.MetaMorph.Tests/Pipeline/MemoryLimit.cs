namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Lets the library believe, for as long as this lives, that so many bytes are available.</summary>
internal sealed class MemoryLimit : IDisposable
{
    private readonly string? _before = Environment.GetEnvironmentVariable(AvailableMemory.LimitVariable);

    public MemoryLimit(string bytes) => Environment.SetEnvironmentVariable(AvailableMemory.LimitVariable, bytes);

    public void Dispose() => Environment.SetEnvironmentVariable(AvailableMemory.LimitVariable, _before);
}
