namespace Microsoft.ML.MetaMorph;

/// <summary>Work for a <see cref="TorchThread"/>, cut into steps so that several jobs can take turns.</summary>
internal interface ITorchJob
{
    /// <summary>Does the next step. Failures belong to whoever waits for the job: nothing is thrown.</summary>
    /// <param name="stopping">Whether the thread is to end: the job finishes with what it has.</param>
    /// <returns>False once the job is done.</returns>
    bool Step(bool stopping);
}
