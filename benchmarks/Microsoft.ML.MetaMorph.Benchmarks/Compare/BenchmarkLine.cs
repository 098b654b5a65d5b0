namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>A line of the table.</summary>
/// <param name="Name">For <c>--lines</c>.</param>
/// <param name="Title">What is measured, on which shape.</param>
/// <param name="Prepare">Makes the folder that all processes read, and gives its path.</param>
internal abstract record BenchmarkLine(string Name, string Title, Func<string> Prepare);

/// <summary>A task that both sides do.</summary>
/// <param name="Name">For <c>--lines</c>.</param>
/// <param name="Title">What is measured, on which shape.</param>
/// <param name="Prepare">Makes the folder that all processes read, and gives its path.</param>
/// <param name="Task">The task.</param>
/// <param name="Unit">What is counted a second.</param>
/// <param name="Repeats">Timed repeats in a process.</param>
/// <param name="Bar">How many times as fast as PyTorch ours must be.</param>
/// <param name="Python">The ways in which PyTorch is tried; the fastest counts.</param>
internal sealed record PairedLine(string Name, string Title, Func<string> Prepare, string Task, string Unit, int Repeats, double Bar, IReadOnlyList<PythonVariant> Python)
    : BenchmarkLine(Name, Title, Prepare);

/// <summary>One way of computing in PyTorch.</summary>
/// <param name="Name">For the table.</param>
/// <param name="IsBFloat16">Ended where its first run takes several times as long as float32.</param>
/// <param name="Arguments">For <c>side.py</c>.</param>
internal sealed record PythonVariant(string Name, bool IsBFloat16, string[] Arguments);

/// <summary>Something that has no other side.</summary>
/// <param name="Name">For <c>--lines</c>.</param>
/// <param name="Title">What is measured, on which shape.</param>
/// <param name="Prepare">Makes the folder that all processes read, and gives its path.</param>
/// <param name="Tasks">The tasks of our side, each in a process of its own.</param>
/// <param name="Repeats">Timed repeats in a process.</param>
/// <param name="Bar">The bar in words.</param>
/// <param name="Judge">The figure in words, and whether it meets the bar.</param>
internal sealed record SoloLine(string Name, string Title, Func<string> Prepare, IReadOnlyList<string> Tasks, int Repeats, string Bar, Func<IReadOnlyList<SideResult>, (string Figure, bool Met)> Judge)
    : BenchmarkLine(Name, Title, Prepare);
