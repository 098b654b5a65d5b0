namespace Microsoft.ML.MetaMorph;

/// <summary>What becomes of a system message that a row brings along; trainers take one for all rows, in their options.</summary>
public enum SystemMessageUse
{
    /// <summary>The row cannot be used.</summary>
    Refuse,

    /// <summary>It is put in front of the first prompt, with an empty line between.</summary>
    JoinPrompt,

    /// <summary>It is left out.</summary>
    LeaveOut,
}
