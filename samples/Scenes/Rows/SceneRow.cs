namespace Scenes;

/// <summary>One row of training or test data: prompt and response with <c>&lt;image&gt;</c> marks, and the pictures in the order of the marks.</summary>
/// <param name="Kind">Which of the six kinds it is.</param>
/// <param name="Prompt">The user's text.</param>
/// <param name="Response">The expected answer.</param>
/// <param name="Pictures">Prompt pictures first, then response pictures.</param>
public sealed record SceneRow(RowKind Kind, string Prompt, string Response, IReadOnlyList<Picture> Pictures)
{
    public const string Mark = "<image>";

    /// <summary>How many of the pictures belong to the prompt.</summary>
    public int PromptPictureCount => Prompt.Split(Mark).Length - 1;

    public IEnumerable<Picture> PromptPictures => Pictures.Take(PromptPictureCount);

    public IEnumerable<Picture> ResponsePictures => Pictures.Skip(PromptPictureCount);
}
