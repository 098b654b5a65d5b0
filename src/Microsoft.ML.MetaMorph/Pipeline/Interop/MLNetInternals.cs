using System.IO.Compression;
using System.Runtime.CompilerServices;
using Microsoft.ML;
using Microsoft.ML.MetaMorph;
using Microsoft.ML.Model.OnnxConverter;
using Microsoft.ML.Runtime;

[assembly: LoadableClass(typeof(ITransformer), typeof(MLNetInternals), null, typeof(SignatureLoadModel), "MetaMorph transformer", MLNetInternals.LoadName)]

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Every use of what Microsoft.ML keeps internal, in one place: what an environment is set to, saving to and loading from the model zip
/// without a registration call, and being asked by ONNX conversion. One loader serves all transformers; a word in the model stream says which one follows.
/// </summary>
/// <remarks>
/// build/Publicize.targets shows these members to the compiler and <c>IgnoresAccessChecksTo</c> to the runtime. A new major version of
/// Microsoft.ML has to be tried against this file (and against the zip kept under test/) before it is allowed.
/// </remarks>
internal static class MLNetInternals
{
    /// <summary>The name under which the loader is found: at most 24 ASCII characters, never to be changed.</summary>
    internal const string LoadName = "MetaMorphTransformer";

    // Exactly eight characters. 0x00010001: the first format.
    private static VersionInfo Version => new(
        modelSignature: "METAMORP",
        verWrittenCur: 0x00010001,
        verReadableCur: 0x00010001,
        verWeCanReadBack: 0x00010001,
        loaderSignature: LoadName,
        // The simple name: a version or a key in the file would tie it to one build.
        loaderAssemblyName: typeof(MLNetInternals).Assembly.GetName().Name);

    /// <summary>What the user set on the <see cref="MLContext"/>.</summary>
    public static EnvironmentSettings Settings(IHostEnvironment environment)
        => environment is IHostEnvironmentInternal known
            ? new EnvironmentSettings(known.Seed, known.GpuDeviceId, known.FallbackToCpu, known.TempFilePath ?? Path.GetTempPath())
            : new EnvironmentSettings(null, null, FallbackToCpu: true, Path.GetTempPath());

    /// <summary>Whether the execution of this host was cancelled through its environment.</summary>
    public static bool IsCanceled(IHost host) => host is ICancelable { IsCanceled: true };

    /// <summary>Saves a transformer of ours in the directory that <paramref name="context"/> stands for.</summary>
    public static void Save(ModelSaveContext context, string kind, Action<ModelZipWriter> write)
    {
        ArgumentNullException.ThrowIfNull(context);
        context.CheckAtModel();
        if (!context.InRepository) throw new NotSupportedException("A MetaMorph transformer is saved into a model zip (mlContext.Model.Save), not into a bare stream.");
        context.SetVersionInfo(Version);
        context.Writer.Write(kind);
        ZipArchive archive = WriterArchive(context.Repository);
        write(new ModelZipWriter(archive, ArchiveStream(archive), context.Directory));
    }

    // Found by name by ML.NET's component catalog; the return type must be the attribute's instance type.
    private static ITransformer Create(IHostEnvironment environment, ModelLoadContext context)
    {
        ZipArchive archive = ReaderArchive(context.Repository);
        var zip = new ModelZipReader(archive, ArchiveStream(archive), context.Directory);
        // ML.NET would say the same of a signature that it does not know, without a file.
        if (context.Header.ModelVerReadable > Version.VerWrittenCur)
            throw new InvalidDataException(FormattableString.Invariant($"{zip.NameOf("Model.key")}: a reader of format version 0x{context.Header.ModelVerReadable:X8} is needed, this version of Microsoft.ML.MetaMorph reads 0x{Version.VerWrittenCur:X8}: a newer version saved the model. Use that version, or save the model again with this one."));
        context.CheckAtModel(Version);
        return SavedKinds.Load(context.Reader.ReadString(), environment, zip);
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_archive")]
    private static extern ref ZipArchive WriterArchive(RepositoryWriter repository);

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_archive")]
    private static extern ref ZipArchive ReaderArchive(RepositoryReader repository);

    // The stream under the archive tells where an entry lies in the file. Where a later .NET has renamed the field nothing is lost but
    // the mapping in place: entries are then copied into memory.
    private static Stream? ArchiveStream(ZipArchive archive)
    {
        try
        {
            return ArchiveStreamField(archive);
        }
        catch (MissingFieldException)
        {
            return null;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_archiveStream")]
    private static extern ref Stream ArchiveStreamField(ZipArchive archive);
}

/// <summary>
/// The rows behind one of our transformers, as ML.NET's exporters see them. ONNX conversion walks back from view to view and takes the
/// first one that is no transform to it for the pipeline's input: the steps up to there would be left out without a word. This view is a
/// transform, is asked, and refuses.
/// </summary>
internal abstract class TransformedDataView(IDataView source) : ITransformCanSaveOnnx
{
    /// <summary>The rows before the transformer.</summary>
    public IDataView Source => source;

    public abstract bool CanShuffle { get; }

    public abstract DataViewSchema Schema { get; }

    /// <summary>The transformer's type, for messages.</summary>
    protected abstract string TransformerName { get; }

    public abstract long? GetRowCount();

    public abstract DataViewRowCursor GetRowCursor(IEnumerable<DataViewSchema.Column> columnsNeeded, Random? rand = null);

    public abstract DataViewRowCursor[] GetRowCursorSet(IEnumerable<DataViewSchema.Column> columnsNeeded, int n, Random? rand = null);

    bool ICanSaveOnnx.CanSaveOnnx(OnnxContext ctx) => throw OnnxRefusal();

    void ISaveAsOnnx.SaveAsOnnx(OnnxContext ctx) => throw OnnxRefusal();

    void ICanSaveModel.Save(ModelSaveContext ctx)
        => throw new NotSupportedException($"Rows behind a {TransformerName} are not saved as a model; save the transformer itself with mlContext.Model.Save.");

    // Answering false would end in a warning and in a message that names no transformer.
    private NotSupportedException OnnxRefusal() => new(
        $"{TransformerName} cannot be exported to ONNX: it computes with a TorchSharp model, for which ONNX conversion has no operators. Save the pipeline as a model zip "
        + $"(mlContext.Model.Save), or export only the transformers behind it: give ConvertToOnnx those and rows in memory (mlContext.Data.LoadFromEnumerable) instead of rows that come from {TransformerName}.");
}
