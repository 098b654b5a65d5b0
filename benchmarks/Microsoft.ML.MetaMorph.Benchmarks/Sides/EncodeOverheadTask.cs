using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Benchmarks;

/// <summary><c>EncodeImages</c> over an <see cref="IDataView"/> beside the same modules called directly on the same pictures.</summary>
internal static class EncodeOverheadTask
{
    private const int Pictures = 64, Batch = 16;

    public static SideResult Run(SideOptions options)
    {
        string folder = Path.Combine(options.Folder, PipelineFolder.Encoder);
        using ImageEncoder encoder = ImageEncoder.Load(folder, new ImageEncoderOptions { Precision = options.Precision });
        using Lease<ImageEncoderModel> modules = encoder.Share();
        ImageEncoderSettings settings = modules.Value.Settings;
        using TensorArchive archive = TensorArchive.Open(folder);
        using var tower = new SiglipVisionModel((SiglipVisionConfig)settings.Vision, new StoredParameters(archive, CPU));
        PrecisionProbe.Apply(tower, PrecisionProbe.Resolve(options.Precision, tower, CPU), isFixed: true);
        var direct = new VisualTokenEncoder(tower.Transformer, settings.Tokens);
        var preprocessor = new SiglipImagePreprocessor(settings.Preprocessing);
        PictureRow[] rows = [.. Enumerable.Range(0, Pictures).Select(i => new PictureRow { Image = SamplePictures.Image(i) })];
        var ml = new MLContext(seed: 1);
        IDataView data = ml.Data.LoadFromEnumerable(rows);
        EncodeImagesTransformer transformer = ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoder, batchSize: Batch).Fit(data);
        return Overhead.Measure(options.Repeats, Pictures, Direct, Pipeline);

        double Direct()
        {
            double sum = 0;
            foreach (PictureRow[] part in rows.Chunk(Batch))
            {
                using var mode = no_grad();
                using var scope = NewDisposeScope();
                float[] pixels = preprocessor.PreprocessBatch([.. part.Select(row => RgbImage.FromMLImage(row.Image!))]);
                Tensor tokens = direct.Encode(tensor(pixels, [part.Length, 3, preprocessor.Height, preprocessor.Width])).contiguous();
                foreach (float value in TensorMemory.Span<float>(tokens)) sum += Math.Abs(value);
            }
            return sum;
        }

        double Pipeline()
        {
            double sum = 0;
            foreach (VBuffer<float> tokens in transformer.Transform(data).GetColumn<VBuffer<float>>("VisualTokens"))
                foreach (float value in tokens.GetValues()) sum += Math.Abs(value);
            return sum;
        }
    }

    private sealed class PictureRow
    {
        [ImageType(SamplePictures.Height, SamplePictures.Width)]
        public MLImage? Image { get; set; }
    }
}
