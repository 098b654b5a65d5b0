namespace Microsoft.ML.MetaMorph;

/// <summary>What a row made of a picture and its caption teaches.</summary>
public enum CaptionTask
{
    /// <summary>To describe: the picture is shown, the caption is the answer.</summary>
    Describe,

    /// <summary>To draw: the caption is given, the picture is the answer.</summary>
    Draw,

    /// <summary>Both: two rows for each picture.</summary>
    Both,
}
