namespace Microsoft.ML.MetaMorph;

/// <summary>One piece of a response while it is made. The <see cref="Text"/> of all pieces, one after the other, is the text of the response.</summary>
public sealed class ResponseUpdate
{
    private ResponseUpdate(ResponseUpdateKind kind)
    {
        Kind = kind;
    }

    /// <summary>What the piece is.</summary>
    public ResponseUpdateKind Kind { get; }

    /// <summary>New text; <c>&lt;image&gt;</c> at the end of an image, else empty.</summary>
    public string Text { get; private init; } = "";

    /// <summary>Which image of the response the piece belongs to, from 0; −1 for text and for the end.</summary>
    public int ImageIndex { get; private init; } = -1;

    /// <summary>Which visual token of the image came, from 0; −1 for everything else.</summary>
    public int TokenIndex { get; private init; } = -1;

    /// <summary><c>[D]</c>: the visual token that came; <c>[N, D]</c>: all of the image at its end; empty for everything else. For the receiver to keep.</summary>
    public ReadOnlyMemory<float> VisualTokens { get; private init; }

    /// <summary>The whole response, at its end; null before.</summary>
    public GeneratedResponse? Response { get; private init; }

    /// <summary>The new text.</summary>
    /// <returns><see cref="Text"/>.</returns>
    public override string ToString() => Text;

    internal static ResponseUpdate OfText(string text) => new(ResponseUpdateKind.Text) { Text = text };

    internal static ResponseUpdate ImageStart(int image) => new(ResponseUpdateKind.ImageStart) { ImageIndex = image };

    internal static ResponseUpdate OfVisualToken(int image, int token, float[] values) => new(ResponseUpdateKind.VisualToken) { ImageIndex = image, TokenIndex = token, VisualTokens = values };

    internal static ResponseUpdate ImageEnd(int image, float[] visualTokens) => new(ResponseUpdateKind.ImageEnd) { Text = GeneratedResponse.ImageMark, ImageIndex = image, VisualTokens = visualTokens };

    internal static ResponseUpdate Finished(GeneratedResponse response) => new(ResponseUpdateKind.Finished) { Response = response };
}
