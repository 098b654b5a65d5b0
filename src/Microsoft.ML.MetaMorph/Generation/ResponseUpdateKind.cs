namespace Microsoft.ML.MetaMorph;

/// <summary>What a piece of a response is.</summary>
public enum ResponseUpdateKind
{
    /// <summary>A piece of text: whole characters, and never the beginning of a stop string.</summary>
    Text,

    /// <summary>An image begins; its N visual tokens follow, one after another.</summary>
    ImageStart,

    /// <summary>One visual token of the image came.</summary>
    VisualToken,

    /// <summary>The image is whole.</summary>
    ImageEnd,

    /// <summary>The response has ended. The last piece of every stream that does not end in an exception.</summary>
    Finished,
}
