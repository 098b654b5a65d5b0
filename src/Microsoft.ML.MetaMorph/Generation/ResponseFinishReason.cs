namespace Microsoft.ML.MetaMorph;

/// <summary>Why a response ended.</summary>
public enum ResponseFinishReason
{
    /// <summary>The model gave an end token, at a text position.</summary>
    EndToken,

    /// <summary>The text reached a stop string.</summary>
    StopString,

    /// <summary>The response has as many positions as <see cref="GenerationOptions.MaxNewTokens"/> allows, or prompt and response together have as many as the model was made for.</summary>
    Length,

    /// <summary>It was cancelled; the response holds what was made.</summary>
    Cancelled,

    /// <summary>The ban on repeated n-grams (<see cref="GenerationOptions.NoRepeatNGramSize"/>) left no token to choose.</summary>
    NothingAllowed,
}
