namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>What a side measured; the PyTorch side prints the same fields.</summary>
internal sealed record SideResult
{
    /// <summary>Wall-clock seconds of each timed repeat.</summary>
    public required double[] Seconds { get; init; }

    /// <summary>Pictures, tokens, positions or calls of a repeat.</summary>
    public required double Units { get; init; }

    /// <summary>Numbers on which both sides must agree; empty where there is no other side.</summary>
    public double[] Checksum { get; init; } = [];

    /// <summary>The largest resident size of the process.</summary>
    public long PeakMiB { get; init; }

    /// <summary>Processor time of the whole process, all threads.</summary>
    public double ProcessorSeconds { get; init; }

    /// <summary>Runtime and libraries.</summary>
    public string Versions { get; init; } = "";

    /// <summary>How it was computed, in words.</summary>
    public string How { get; init; } = "";

    /// <summary>Figures of lines that have no other side.</summary>
    public Dictionary<string, double> Figures { get; init; } = [];
}
