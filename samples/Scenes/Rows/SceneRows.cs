namespace Scenes;

/// <summary>Makes rows of all six kinds. Row i of a seed is always the same row, so a view over them can be read again.</summary>
public sealed class SceneRows
{
    private readonly SceneWorld _world;
    private readonly Func<Random, Scene> _sample;
    private readonly Func<Scene, bool> _allowed;

    private SceneRows(SceneWorld world, Func<Random, Scene> sample, Func<Scene, bool> allowed)
    {
        _world = world;
        _sample = sample;
        _allowed = allowed;
    }

    /// <summary>How often each kind occurs when none is asked for.</summary>
    public static IReadOnlyDictionary<RowKind, double> Mixture { get; } = new Dictionary<RowKind, double>
    {
        [RowKind.ImageQuestion] = 0.40,
        [RowKind.TextToImage] = 0.20,
        [RowKind.Edit] = 0.12,
        [RowKind.VisualThinking] = 0.10,
        [RowKind.PureVideo] = 0.10,
        [RowKind.VideoQuestion] = 0.08,
    };

    /// <summary>Rows that show only scenes allowed in training.</summary>
    public static SceneRows ForTraining(SceneWorld world) => new(world, random => world.SampleTraining(random), world.MayTrain);

    /// <summary>Rows whose scenes training never shows (in videos and edits: the first one; the others have no unseen pair).</summary>
    public static SceneRows HeldOut(SceneWorld world) => new(world, random => world.SampleHeldOut(random), scene => !world.HasUnseenPair(scene));

    /// <summary>Rows of one object whose shape-colour pair training never shows.</summary>
    public static SceneRows UnseenPairs(SceneWorld world) => new(world, world.SampleUnseenPair, scene => true);

    /// <summary><paramref name="count"/> rows, made while they are read; every enumeration gives the same ones.</summary>
    public IEnumerable<SceneRow> Generate(int seed, int count, RowKind? kind = null)
    {
        for (int i = 0; i < count; i++) yield return Row(seed, i, kind);
    }

    /// <summary>Row <paramref name="index"/> of a seed.</summary>
    public SceneRow Row(int seed, int index, RowKind? kind = null)
    {
        var random = new Random(Mix(seed, index));
        return (kind ?? Draw(random)) switch
        {
            RowKind.ImageQuestion => ImageQuestion(random),
            RowKind.VideoQuestion => VideoQuestion(random),
            RowKind.TextToImage => TextToImage(random),
            RowKind.PureVideo => PureVideo(random),
            RowKind.VisualThinking => VisualThinking(random),
            RowKind.Edit => Edit(random),
            var unknown => throw new ArgumentOutOfRangeException(nameof(kind), unknown, "Unknown kind of row."),
        };
    }

    /// <summary>SplitMix64: neighbouring seeds of <see cref="Random"/> give alike first draws, mixed ones do not.</summary>
    private static int Mix(int seed, int index)
    {
        ulong z = unchecked(((ulong)(uint)seed << 32 | (uint)index) + 0x9E3779B97F4A7C15);
        z = unchecked((z ^ z >> 30) * 0xBF58476D1CE4E5B9);
        z = unchecked((z ^ z >> 27) * 0x94D049BB133111EB);
        return (int)((z ^ z >> 31) & int.MaxValue);
    }

    private static RowKind Draw(Random random)
    {
        double at = random.NextDouble() * Mixture.Values.Sum();
        foreach ((RowKind kind, double share) in Mixture)
        {
            at -= share;
            if (at < 0) return kind;
        }
        return RowKind.ImageQuestion;
    }

    private SceneRow ImageQuestion(Random random)
    {
        Scene scene = _sample(random);
        (_, string question, string answer) = ImageQuestions.Ask(_world, scene, random);
        return new SceneRow(RowKind.ImageQuestion, $"{SceneRow.Mark} {question}", answer, [new Picture(scene)]);
    }

    private SceneRow TextToImage(Random random)
    {
        Scene scene = _sample(random);
        SceneObject[] order = [.. scene.Objects];
        random.Shuffle(order);
        return new SceneRow(RowKind.TextToImage, $"draw {scene.Describe(order)}.", SceneRow.Mark, [new Picture(scene)]);
    }

    private SceneRow VideoQuestion(Random random)
    {
        Video video = SampleVideo(random);
        string question = $"{Marks(3)} where does the {video.Moving.ShortName} move?";
        return new SceneRow(RowKind.VideoQuestion, question, video.Direction.ToString().ToLowerInvariant(), Pictures(video.Frames));
    }

    private SceneRow PureVideo(Random random)
    {
        Video video = SampleVideo(random);
        return random.Next(2) == 0
            ? new SceneRow(RowKind.PureVideo, $"{Marks(2)} what comes next?", SceneRow.Mark, Pictures(video.Frames))
            : new SceneRow(RowKind.PureVideo, $"{Marks(2)} what is missing in between?", SceneRow.Mark, Pictures([video.Frames[0], video.Frames[2], video.Frames[1]]));
    }

    private SceneRow VisualThinking(Random random)
    {
        Scene scene = _sample(random);
        SceneObject item = SceneWorld.Pick(random, scene.Objects);
        string question = $"{SceneRow.Mark} think visually: what is at the {item.Place.Name()}?";
        return new SceneRow(RowKind.VisualThinking, question, $"{SceneRow.Mark} {item.FullName}", [new Picture(scene), new Picture(scene, ScenePainter.CloseUp(item))]);
    }

    private SceneRow Edit(Random random)
    {
        while (true)
        {
            Scene scene = _sample(random);
            (string instruction, Scene result) = Edits.Change(_world, scene, random);
            if (_allowed(result)) return new SceneRow(RowKind.Edit, $"{SceneRow.Mark} {instruction}", SceneRow.Mark, [new Picture(scene), new Picture(result)]);
        }
    }

    private Video SampleVideo(Random random) => Video.Sample(random, () => _sample(random), _allowed);

    private static string Marks(int count) => string.Join(" ", Enumerable.Repeat(SceneRow.Mark, count));

    private static Picture[] Pictures(IEnumerable<Scene> scenes) => [.. scenes.Select(scene => new Picture(scene))];
}
