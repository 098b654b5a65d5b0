namespace Microsoft.ML.MetaMorph;

/// <summary>How the pictures of rows stand in a data view.</summary>
public enum RowImageForm
{
    /// <summary>As paths where every picture of the source is a file of its own, else as bytes.</summary>
    Auto,

    /// <summary>One column, a vector of text: the paths of all pictures of the row.</summary>
    Paths,

    /// <summary>One column a picture, each a vector of byte: the encoded picture, read when it is asked for; empty where the row has fewer.</summary>
    Bytes,
}
