using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The time in which the preview of a step can be made: while the step's report is handled. What it is made of is the drawing's, which goes on
/// and lets go of it; disposing this waits for a preview that is being made on another thread.
/// </summary>
/// <param name="step">For messages, from 1.</param>
/// <param name="steps">Steps in all.</param>
/// <param name="make">Makes the pictures.</param>
internal sealed class PreviewWindow(int step, int steps, Func<Tensor> make) : IDisposable
{
    private readonly Lock _making = new();
    private Func<Tensor>? _make = make;

    /// <summary>Makes the pictures.</summary>
    /// <exception cref="InvalidOperationException">The report has been handled already.</exception>
    public Tensor Make()
    {
        lock (_making) return (_make ?? throw Late())();
    }

    public void Dispose()
    {
        lock (_making) _make = null;
    }

    private InvalidOperationException Late() => new(
        FormattableString.Invariant($"The preview of step {step} of {steps} can no longer be made: its report has been handled, and the drawing has gone on. System.Progress<T> hands reports on to be handled later, on another thread. ")
        + "Give Progress an IProgress<DrawingStatus> of your own that calls Preview in its Report, at once, and hand the pictures on.");
}
