namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>Text for tokenizers and prompts.</summary>
internal static class SampleText
{
    private static readonly string[] Colours = ["red", "green", "blue", "yellow", "white", "orange", "purple", "grey"];
    private static readonly string[] Shapes = ["circle", "square", "triangle", "star", "ring", "cross", "heart", "arrow"];
    private static readonly string[] Places = ["at the top", "at the bottom", "on the left", "on the right", "in the middle"];

    /// <summary>320 unlike sentences.</summary>
    public static IReadOnlyList<string> Sentences { get; } =
    [
        .. from colour in Colours
           from shape in Shapes
           from place in Places
           select $"Where is the {colour} {shape}? The {colour} {shape} is {place}, and it is not {Colours[shape.Length % Colours.Length]}.",
    ];

    public static string Prompt(int number) => $"{Sentences[number * 37 % Sentences.Count]} Is that so?";
}
