namespace Microsoft.ML.MetaMorph;

/// <summary>In what boxes are measured.</summary>
public enum BoxUnit
{
    /// <summary>In pixels of the picture.</summary>
    Pixels,

    /// <summary>In parts of its width and height: 0 to 1.</summary>
    Fractions,
}
