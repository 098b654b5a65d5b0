namespace Microsoft.ML.MetaMorph;

/// <summary>What is made, and then looked at before anybody gets it.</summary>
internal static class Checked
{
    /// <summary>Gives what was made; disposes it where the check throws.</summary>
    public static T With<T>(T made, Action<T> check)
        where T : IDisposable
    {
        try
        {
            check(made);
            return made;
        }
        catch
        {
            made.Dispose();
            throw;
        }
    }
}
