namespace Microsoft.ML.MetaMorph;

/// <summary>What a piece of a response is.</summary>
internal enum ResponseUpdateKind
{
    Text,
    ImageStart,
    VisualToken,
    ImageEnd,
}

/// <summary>One piece of a response while it is made. The <see cref="Text"/> of all pieces, one after the other, is the text of the response.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Text">New text; <c>&lt;image&gt;</c> at the end of an image, else empty.</param>
/// <param name="ImageIndex">Which image of the response, from 0; −1 for text.</param>
/// <param name="TokenIndex">Which visual token of the image, from 0; −1 for everything else.</param>
/// <param name="VisualToken">Its values, for the receiver to keep; null for everything else.</param>
internal sealed record ResponseUpdate(ResponseUpdateKind Kind, string Text, int ImageIndex = -1, int TokenIndex = -1, float[]? VisualToken = null);
