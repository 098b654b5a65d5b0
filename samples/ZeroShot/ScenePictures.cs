using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;
using Microsoft.ML.Transforms.Image;
using Scenes;

namespace ZeroShot;

/// <summary>Painted scenes of one object, sorted by its shape. What is asked was never shown: other colours, places and backgrounds together.</summary>
internal static class ScenePictures
{
    private const int Lessons = 240, Questions = 300, Pairs = 100_000;

    private static readonly SceneWorld World = SceneWorld.Small;

    /// <summary>Pictures with the names of their shapes.</summary>
    public static LabelledPictures Create(MLContext ml, int seed)
    {
        string[] labels = [.. World.Shapes.Select(shape => shape.ToString().ToLowerInvariant())];
        // The encoder learned whole descriptions: a shape is what all descriptions with it have in common.
        string[] templates = [.. from colour in World.Colours from background in World.Backgrounds from place in Places.All select $"a large {colour} {{0}} at the {place.Name()} on a {background} background"];
        return new LabelledPictures(View(ml, seed + 1, Lessons, World.SampleTraining), View(ml, seed + 2, Questions, World.SampleHeldOut), labels, templates);
    }

    /// <summary>Both towers, from nothing, by the sigmoid loss on pictures and their descriptions.</summary>
    public static LanguageImageEncoder TrainEncoder(MLContext ml, int seed, double seconds, CancellationToken cancellation)
    {
        Console.WriteLine(FormattableString.Invariant($"Training an encoder of pictures and texts for {seconds:N0} s …"));
        using EncodeImagesTransformer trained = ml.MetaMorph().Trainers.LanguageImagePretraining(new LanguageImagePretrainingTrainer.Options
        {
            CancellationToken = cancellation,
            Training = new LanguageImagePretrainingOptions
            {
                ImageSize = ScenePainter.Side,
                PatchSize = 8,
                Width = 128,
                LayerCount = 2,
                TextLayerCount = 1,
                MaximumTextLength = 24,
                CaptionWeight = 0,
                ContrastiveWeight = 1,
                BatchSize = 64,
                MaximumSeconds = seconds,
            },
        }).Fit(View(ml, seed, Pairs, World.SampleTraining));
        return trained.LanguageImageEncoder ?? throw new InvalidOperationException("The training gave no text tower, although ContrastiveWeight is 1.");
    }

    private static IDataView View(MLContext ml, int seed, int count, Func<Random, int?, Scene> sample) => ml.Data.LoadFromEnumerable(Rows(seed, count, sample));

    private static IEnumerable<Row> Rows(int seed, int count, Func<Random, int?, Scene> sample)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++) yield return new Row(sample(random, 1));
    }

    private sealed class Row(Scene scene)
    {
        public Row()
            : this(new Scene(Colour.Backgrounds[0], []))
        {
        }

        [ImageType(ScenePainter.Side, ScenePainter.Side)]
        public MLImage Image => ScenePainter.PaintImage(scene);

        public string Caption => scene.Describe();

        public string Label => scene.Objects.Count > 0 ? scene.Objects[0].ShapeName : "";
    }
}
