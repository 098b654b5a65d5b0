using System.Runtime.InteropServices;
using System.Text.Json;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A small model to try the batching and the persistence with: y = x · w elementwise, and the sum of y.</summary>
internal sealed class ScaleTransformer : BatchTransformer
{
    public const string Kind = "test-scale";

    private readonly Lease<ScaleWeights> _weights;

    static ScaleTransformer() => SavedKinds.Add(Kind, (_, zip) => Load(zip));

    public ScaleTransformer(ScaleSettings settings, Lease<ScaleWeights> weights)
    {
        Settings = settings;
        _weights = weights;
    }

    public ScaleSettings Settings { get; }

    public override int BatchSize => Settings.BatchSize;

    public ScaleWeights Weights => _weights.Value;

    internal override IReadOnlyList<string> InputColumns => [Settings.Input];

    /// <summary>The kind becomes known; real kinds are known from the start.</summary>
    public static void Announce() => System.Runtime.CompilerServices.RuntimeHelpers.RunClassConstructor(typeof(ScaleTransformer).TypeHandle);

    internal static DataViewSchema.DetachedColumn[] Outputs(ScaleSettings settings)
        => [new(settings.Output, new VectorDataViewType(NumberDataViewType.Single, settings.Width)), new(settings.Output + "Sum", NumberDataViewType.Single)];

    internal override DataViewSchema.DetachedColumn[] GetOutputColumns(DataViewSchema inputSchema)
    {
        DataViewType type = inputSchema.GetColumnOrNull(Settings.Input)?.Type ?? throw ColumnErrors.Missing(Settings.Input, "features", inputSchema.Select(c => c.Name));
        if (type is not VectorDataViewType vector || vector.Size != Settings.Width || vector.ItemType != NumberDataViewType.Single)
            throw ColumnErrors.WrongType(Settings.Input, "features", type.ToString()!, $"Vector<Single, {Settings.Width}>");
        return Outputs(Settings);
    }

    internal override IRowBatch CreateBatch(DataViewRow input, bool[] activeOutputs, int capacity)
    {
        Lease<ScaleWeights> weights = _weights.Share();
        if (Settings.FailToCreate)
        {
            weights.Dispose();
            throw new InvalidDataException("the batch cannot be made");
        }

        return new Batch(Settings, weights, input, capacity);
    }

    private protected override void Save(ModelSaveContext context) => MLNetInternals.Save(context, Kind, zip =>
    {
        zip.Write("settings.json", JsonSerializer.Serialize(Settings));
        zip.WriteStored("weights.bin", (stream, _) => stream.Write(MemoryMarshal.AsBytes(_weights.Value.Values.AsSpan())));
    });

    private protected override void Dispose(bool disposing)
    {
        if (disposing) _weights.Dispose();
    }

    private static ScaleTransformer Load(ModelZipReader zip)
    {
        ScaleSettings settings = JsonSerializer.Deserialize<ScaleSettings>(zip.ReadText("settings.json"))!;
        var values = new float[settings.Width];
        if (zip.Locate("weights.bin") is { } region)
        {
            using FileStream file = File.OpenRead(region.Path);
            file.Position = region.Offset;
            Assert.AreEqual(values.Length * 4L, region.Length);
            file.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        }
        else
        {
            using Stream entry = zip.Open("weights.bin");
            entry.ReadExactly(MemoryMarshal.AsBytes(values.AsSpan()));
        }

        return new ScaleTransformer(settings, new Lease<ScaleWeights>(new ScaleWeights(values)));
    }

    private sealed class Batch(ScaleSettings settings, Lease<ScaleWeights> weights, DataViewRow row, int capacity) : IRowBatch
    {
        private readonly ValueGetter<VBuffer<float>> _get = row.GetGetter<VBuffer<float>>(row.Schema[settings.Input]);
        private readonly float[] _x = new float[capacity * settings.Width];
        private readonly float[] _y = new float[capacity * settings.Width];
        private readonly float[] _sums = new float[capacity];
        private VBuffer<float> _value;

        public void Read(int slot)
        {
            _get(ref _value);
            _value.CopyTo(_x.AsSpan(slot * settings.Width, settings.Width));
            if (float.IsNaN(_x[slot * settings.Width])) throw new InvalidDataException($"Row {row.Position} is no number.");
        }

        public void Run(int count)
        {
            ScaleWeights model = weights.Value;
            lock (model)
            {
                ObjectDisposedException.ThrowIf(model.Disposed, model);
                model.Sizes.Add(count);
                for (int i = 0; i < count; i++)
                {
                    _sums[i] = 0;
                    for (int d = 0; d < settings.Width; d++) _sums[i] += _y[(i * settings.Width) + d] = _x[(i * settings.Width) + d] * model.Values[d];
                }
            }
        }

        public Delegate CreateGetter(int output, Func<int> slot) => output == 0
            ? (ValueGetter<VBuffer<float>>)((ref VBuffer<float> value) =>
            {
                int index = slot();
                VBufferEditor<float> editor = VBufferEditor.Create(ref value, settings.Width);
                _y.AsSpan(index * settings.Width, settings.Width).CopyTo(editor.Values);
                value = editor.Commit();
            })
            : (ValueGetter<float>)((ref float value) => value = _sums[slot()]);

        public void Dispose() => weights.Dispose();
    }
}

internal sealed record ScaleSettings(string Input, string Output, int Width, int BatchSize, bool FailToCreate = false);

internal sealed class ScaleWeights(float[] values) : IDisposable
{
    public float[] Values => values;

    public List<int> Sizes { get; } = [];

    public bool Disposed { get; private set; }

    public void Dispose() => Disposed = true;
}

internal sealed class ScaleEstimator(ScaleSettings settings) : IEstimator<ScaleTransformer>
{
    public ScaleTransformer Fit(IDataView input)
    {
        var transformer = new ScaleTransformer(settings, new Lease<ScaleWeights>(new ScaleWeights([.. Enumerable.Range(1, settings.Width).Select(i => (float)i)])));
        transformer.GetOutputSchema(input.Schema);
        return transformer;
    }

    public SchemaShape GetOutputSchema(SchemaShape inputSchema)
    {
        SchemaShape.Column column = SchemaShapes.Require(inputSchema, settings.Input, "features");
        if (column.Kind != SchemaShape.Column.VectorKind.Vector) throw ColumnErrors.WrongType(settings.Input, "features", SchemaShapes.Describe(column), "Vector<Single>");
        return SchemaShapes.Append(inputSchema, ScaleTransformer.Outputs(settings));
    }
}
