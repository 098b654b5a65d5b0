namespace Microsoft.ML.MetaMorph;

/// <summary>What a row made of the frames of a video teaches.</summary>
public enum FrameTask
{
    /// <summary>To draw the frame behind those that are shown.</summary>
    Next,

    /// <summary>To draw the frame in front of those that are shown.</summary>
    Previous,

    /// <summary>To draw a frame that is left out between those that are shown.</summary>
    Missing,

    /// <summary>To draw the frames, which are shown in a wrong order, in the right one.</summary>
    Reorder,
}
