namespace Scenes;

/// <summary>The six kinds of training rows of the paper (section 3).</summary>
public enum RowKind
{
    /// <summary>A picture and a question; the answer is text.</summary>
    ImageQuestion,

    /// <summary>Frames of a video and a question; the answer is text.</summary>
    VideoQuestion,

    /// <summary>A description; the answer is a picture.</summary>
    TextToImage,

    /// <summary>Frames of a video; the answer is the next or the missing frame.</summary>
    PureVideo,

    /// <summary>A picture and a question; the answer shows a close-up first, then says the answer.</summary>
    VisualThinking,

    /// <summary>A picture and an instruction; the answer is the changed picture.</summary>
    Edit,
}
