namespace FineTune;

/// <summary>What lies where in the folder of a run.</summary>
internal sealed class OutputFolder(string path)
{
    public string Path { get; } = System.IO.Path.GetFullPath(path);

    /// <summary>What the run is, and whether it is finished.</summary>
    public string RunFile => In("run.json");

    public string Tokenizer => In("tokenizer");

    public string Encoder => In("encoder");

    /// <summary>The trained model: configuration, weights, tokenizer.</summary>
    public string Model => In("model");

    /// <summary>A trained adapter alone, in PEFT's files.</summary>
    public string Adapter => In("adapter");

    /// <summary>An adapter added to its base.</summary>
    public string Merged => In("merged");

    /// <summary>Visual tokens of the pictures, encoded once.</summary>
    public string VisualTokens => In("visual-tokens");

    /// <summary>Whether there is a run to go on with.</summary>
    public bool HoldsRun => File.Exists(RunFile);

    public string Checkpoints(string phase) => In("checkpoints", phase);

    /// <summary>CSV and TensorBoard.</summary>
    public string Logs(string phase) => In("logs", phase);

    public string LossCurves(string phase) => In($"loss-{phase}.png");

    private string In(params string[] names) => System.IO.Path.Combine([Path, .. names]);
}
