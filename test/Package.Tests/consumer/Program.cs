// What a person writes who has nothing but the package: trains an encoder and a tiny model, saves the chain, and in another
// process loads it without naming a type of the package.
using Microsoft.ML;
using Microsoft.ML.Data;

if (args is ["train", var saved]) Training.Run(saved);
else if (args is ["load", var loaded]) Loading.Run(loaded);
else throw new ArgumentException("train FILE | load FILE");

internal sealed class Question
{
    public string Prompt { get; set; } = "";

    public string Response { get; set; } = "";

    public string Caption { get; set; } = "";

    [Microsoft.ML.Transforms.Image.ImageType(16, 16)]
    public MLImage? Image { get; set; }

    public static Question[] Some() =>
    [
        new() { Prompt = "<image> what colour?", Response = "red", Caption = "red", Image = Plain(220, 30, 30) },
        new() { Prompt = "<image> what colour?", Response = "blue", Caption = "blue", Image = Plain(30, 60, 220) },
        new() { Prompt = "draw red", Response = "<image>", Caption = "red", Image = Plain(215, 35, 25) },
        new() { Prompt = "draw blue", Response = "<image>", Caption = "blue", Image = Plain(35, 55, 225) },
    ];

    private static MLImage Plain(byte red, byte green, byte blue)
        => MLImage.CreateFromPixels(16, 16, MLPixelFormat.Rgba32, Enumerable.Repeat(new byte[] { red, green, blue, 255 }, 256).SelectMany(p => p).ToArray());
}

internal sealed class Reply
{
    public string PredictedResponse { get; set; } = "";

    public float[] ResponseVisualTokens { get; set; } = [];
}
