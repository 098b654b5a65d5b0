using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>A visualizer of one's own, and pictures from it.</summary>
public static class Pictures
{
    public static Visualizer Train(MLContext ml, IDataView pictures, ImageEncoder encoder, int steps, string folder)
    {
        // <visualizer-from-nothing>
        var pipeline = ml.MetaMorph().EncodeImages("VisualTokens", "Image", encoder)
            .Append(ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
            {
                Architecture = new VisualizerArchitecture { ImageSize = 64 },
                Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = steps },
            }));
        using TransformerChain<GenerateImagesTransformer> painting = pipeline.Fit(pictures);
        Visualizer visualizer = painting.LastTransformer.Visualizer;
        visualizer.Save(folder);                // a folder in diffusers' layout; Visualizer.Load opens it again
        // </visualizer-from-nothing>
        return visualizer;
    }

    public static VisualizerTrainer InLatents(MLContext ml, IDataView pictures, int steps, string folder)
    {
        // <autoencoder-from-nothing>
        using AutoencodeImagesTransformer giving = ml.MetaMorph().Trainers.Autoencoder(new AutoencoderTrainer.Options
        {
            Architecture = new AutoencoderArchitecture { ImageSize = 64, Channels = [24, 48, 64] },
            Training = new AutoencoderTrainingOptions { MaximumSteps = steps, ForegroundWeight = 3 },
        }).Fit(pictures);
        ImageAutoencoder autoencoder = giving.Autoencoder;
        autoencoder.Save(folder);               // vae/ of a diffusers folder; ImageAutoencoder.Load opens it again
        var trainer = ml.MetaMorph().Trainers.Visualizer(new VisualizerTrainer.Options
        {
            Autoencoder = autoencoder,
            Architecture = new VisualizerArchitecture { ImageSize = 64, Channels = [64, 96] },
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = steps },
        });
        // </autoencoder-from-nothing>
        return trainer;
    }

    public static GenerateImagesTransformer Watched(MLContext ml, IDataView train, IDataView validation, int steps, string sheets, string board)
    {
        // <visualizer-watched>
        var watched = new VisualizerTrainer.Options
        {
            Training = VisualizerTrainingOptions.FromNothing with { MaximumSteps = steps },
            ValidationInterval = 200,
            ValidationFolder = sheets,
            TensorBoardFolder = board,
        };
        GenerateImagesTransformer drawing = ml.MetaMorph().Trainers.Visualizer(watched).Fit(train, validation);
        // </visualizer-watched>
        return drawing;
    }

    public static (IEstimator<ITransformer> Again, IEstimator<ITransformer> Drawn) InOneCall(MLContext ml, ImageEncoder encoder, Visualizer visualizer, string folder, IProgress<DrawingStatus> progress, CancellationToken cancellation)
    {
        // <draw-in-one-call>
        var again = ml.MetaMorph().ReconstructImages("Again", "PromptImage", encoder, visualizer, maximumImages: 2);
        var drawn = ml.MetaMorph().DrawImages(new DrawImagesOptions
        {
            PretrainedFolder = folder,
            Visualizer = visualizer,
            MaximumImages = 2,                      // Picture and Picture1
            ErrorColumnName = "Error",              // empty where a row could be drawn
            Progress = progress,
            CancellationToken = cancellation,
        });
        // </draw-in-one-call>
        return (again, drawn);
    }

    public static ITransformer Draw(MLContext ml, ITransformer model, IDataView questions, Visualizer visualizer)
    {
        // <generate-images>
        IDataView answers = model.Transform(questions);
        var drawing = ml.MetaMorph().GenerateImages("Picture", "ResponseVisualTokens", visualizer, new ImageGenerationOptions { Steps = 30, GuidanceScale = 2, Seed = 7 });
        ITransformer painter = drawing.Fit(answers);
        // </generate-images>
        return painter;
    }
}
