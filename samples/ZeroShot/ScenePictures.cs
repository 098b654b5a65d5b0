using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;
using Microsoft.ML.Transforms.Image;
using Scenes;

namespace ZeroShot;

/// <summary>Painted scenes of one object, sorted by its colour. What is asked was never shown: other shapes, places and backgrounds together.</summary>
internal static class ScenePictures
{
    private const int Lessons = 240, Questions = 300, Pairs = 20_000;

    private static readonly SceneWorld World = SceneWorld.Small;

    /// <summary>Pictures with the names of their colours.</summary>
    public static LabelledPictures Create(MLContext ml, int seed)
    {
        string[] labels = [.. World.Colours.Select(colour => colour.Name)];
        // The encoder learned whole descriptions: a colour is what all descriptions with it have in common.
        string[] templates = [.. from shape in World.Shapes from background in World.Backgrounds from place in Places.All select $"a large {{0}} {shape.ToString().ToLowerInvariant()} at the {place.Name()} on a {background} background"];
        return new LabelledPictures(View(ml, seed + 1, Lessons, World.SampleTraining), View(ml, seed + 2, Questions, World.SampleHeldOut), labels, templates);
    }

    /// <summary>Learns from scenes and their descriptions.</summary>
    public static LanguageImageEncoder TrainEncoder(MLContext ml, int seed, int steps, CancellationToken cancellation)
        => new FreshEncoder(ScenePainter.Side, PatchSize: 16, BatchSize: 32).Train(ml, View(ml, seed, Pairs, World.SampleTraining), steps, cancellation);

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

        public string Label => scene.Objects.Count > 0 ? scene.Objects[0].Colour.Name : "";
    }
}
