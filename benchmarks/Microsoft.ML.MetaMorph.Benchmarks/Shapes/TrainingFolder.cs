using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary>
/// A MetaMorph in float32 and the rows of one step. Written as a Llama whose file holds the connectors too, so that both
/// <c>LlamaForCausalLM</c> and this library open it.
/// </summary>
internal static class TrainingFolder
{
    /// <summary>Images that a row reads and draws; the other rows of a batch repeat these kinds.</summary>
    private static readonly (int Read, int Drawn)[] Kinds = [(1, 0), (0, 1), (1, 1), (0, 0), (0, 1), (1, 0), (2, 0), (0, 0)];

    public static ModelFolder Prepare(string path, MetaMorphConfig config, int rows, int shortest, int longest)
    {
        var folder = new ModelFolder(path, $"{config}, {rows} rows of {shortest} to {longest}");
        folder.Prepare(target =>
        {
            using var model = new MetaMorphModel(config, ModelFolder.Fresh());
            target.WriteConfig(JsonFile.Bytes(config.Write), ("model_type", "llama"), ("architectures", new System.Text.Json.Nodes.JsonArray("LlamaForCausalLM")));
            target.WriteModel(model);
            PackedSequence packed = PackedSequence.FromRows(Rows(config, rows, shortest, longest), config.VisualTokenCount, config.ImageStartId);
            Tensor visual = randn(packed.ImageCount, config.VisualTokenCount, config.VisualTokenWidth, generator: new Generator(2));
            target.WriteInputs(
                ("ids", tensor(Array.ConvertAll(packed.Ids, id => (long)id))),
                ("labels", tensor(Array.ConvertAll(packed.Labels, label => (long)label))),
                ("is_visual_target", tensor(Array.ConvertAll(packed.IsVisualTarget, target => target ? 1L : 0L))),
                ("lengths", tensor(Array.ConvertAll(packed.RowLengths, length => (long)length))),
                ("visual_tokens", nn.functional.normalize(visual, dim: -1)));
        });
        return folder;
    }

    /// <summary>Rows whose expanded lengths are spread evenly between the bounds; a quarter of the text is the prompt.</summary>
    private static List<TokenSequence> Rows(MetaMorphConfig config, int rows, int shortest, int longest)
    {
        var random = new Random(7);
        var made = new List<TokenSequence>();
        for (int i = 0; i < rows; i++)
        {
            (int read, int drawn) = Kinds[i % Kinds.Length];
            int marks = (read + drawn) * (config.VisualTokenCount + 2), length = shortest + (longest - shortest) * (i * 5 % rows) / Math.Max(1, rows - 1);
            made.Add(Row(config, random, read, drawn, text: Math.Max(8, length - marks)));
        }
        return made;
    }

    private static TokenSequence Row(MetaMorphConfig config, Random random, int read, int drawn, int text)
    {
        List<int> ids = [], labels = [];
        for (int i = 0; i < read; i++) Image(supervised: false);
        for (int i = 0; i < text; i++) Add(random.Next(config.Language.VocabularySize - 2), supervised: i >= text / 4);
        for (int i = 0; i < drawn; i++) Image(supervised: true);
        return new TokenSequence([.. ids], [.. labels]);

        void Add(int id, bool supervised)
        {
            ids.Add(id);
            labels.Add(supervised ? id : TokenSequence.Ignored);
        }

        void Image(bool supervised)
        {
            Add(config.ImageStartId, supervised);
            Add(TokenSequence.ImagePlaceholder, supervised: false);
            Add(config.ImageEndId, supervised);
        }
    }
}
