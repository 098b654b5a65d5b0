namespace Microsoft.ML.MetaMorph;

/// <summary>The patches of one picture of any shape (<c>spatial_shapes</c>).</summary>
/// <param name="Rows">Patches from top to bottom.</param>
/// <param name="Columns">Patches from left to right.</param>
internal readonly record struct PatchGrid(int Rows, int Columns)
{
    public int Count => Rows * Columns;
}
