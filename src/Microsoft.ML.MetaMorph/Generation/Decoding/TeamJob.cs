namespace Microsoft.ML.MetaMorph;

/// <summary>Work on the items 0 … count − 1 that may be done in any order, by any thread. A job object is made once and used for every token, so a step allocates nothing.</summary>
internal abstract class TeamJob
{
    /// <summary>Does the items <paramref name="begin"/> … <paramref name="end"/> − 1. What an item gives must not depend on how the items are cut.</summary>
    public abstract void Run(int begin, int end);
}
