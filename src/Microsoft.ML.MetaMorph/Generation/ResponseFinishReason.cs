namespace Microsoft.ML.MetaMorph;

/// <summary>Why a response ended.</summary>
internal enum ResponseFinishReason
{
    /// <summary>The model gave an end token, at a text position.</summary>
    EndToken,

    /// <summary>The text reached a stop string.</summary>
    StopString,

    /// <summary>The response has as many positions as allowed.</summary>
    Length,

    /// <summary>The caller cancelled; the response holds what was made.</summary>
    Cancelled,

    /// <summary>The ban on repeated n-grams left no token to choose.</summary>
    NothingAllowed,
}
