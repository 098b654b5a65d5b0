using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>How answers are made.</summary>
public static class Decoding
{
    public static MetaMorphTransformer Sampled(MetaMorphTransformer model)
    {
        // <sampling>
        MetaMorphTransformer playful = model.WithGeneration(new GenerationOptions
        {
            Temperature = 0.8f,
            TopP = 0.95f,
            Seed = 7,
            MaxNewTokens = 256,
            StopStrings = ["\n\n"],
        });
        // </sampling>
        return playful;
    }

    public static MetaMorphTransformer Picture(MetaMorphTransformer model)
    {
        // <picture>
        MetaMorphTransformer artist = model.WithGeneration(new GenerationOptions { BeginWithImage = true });
        // </picture>
        return artist;
    }
}
