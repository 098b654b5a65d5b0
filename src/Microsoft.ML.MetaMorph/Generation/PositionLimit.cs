namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The positions that a language model was made for (<c>max_position_embeddings</c>), prompt and response together. Behind the last of
/// them it computes on, but what it says there means nothing.
/// </summary>
internal static class PositionLimit
{
    /// <summary>What is wrong with a prompt, as a sentence goes on that began with it; null where at least one position is left for the response.</summary>
    /// <param name="positions">All positions of the prompt.</param>
    /// <param name="images">How many images are among them.</param>
    /// <param name="tokensPerImage">The positions of each.</param>
    /// <param name="maximum">The model's positions.</param>
    public static string? Problem(int positions, int images, int tokensPerImage, int maximum)
    {
        if (positions < maximum) return null;
        string pictures = images == 0 ? "" : $", {images} pictures of {tokensPerImage} among them";
        return $"takes {positions} positions{pictures}, but the model reads at most {maximum - 1} and answers at one more (max_position_embeddings {maximum}). Shorten the prompt, or take a model for longer texts.";
    }
}
