using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A whole published folder, opened as users open it: pictures and texts in, vectors, probabilities, gradients and a step out.</summary>
internal static class SiglipFolderCheck
{
    [ReferenceKind("siglip-folder")]
    public static void Check(ReferenceCase reference)
    {
        using LanguageImageEncoderModel model = LanguageImageEncoderFolder.Open(reference.Folder, new LanguageImageEncoderOptions { Precision = Precision.Float32 });
        CompareInputs(reference, model);
        CompareVectors(reference, model);
        CompareZeroShot(reference, model);
        using LanguageImageBatch batch = Batch(reference, model);
        CompareGradients(reference, model, batch);
        CompareStep(reference, model, batch);
    }

    /// <summary>The pictures of the case, in order.</summary>
    public static RgbImage[] Pictures(ReferenceCase reference)
        => [.. Directory.GetFiles(reference.Folder, "picture-*.png").Order(StringComparer.Ordinal).Select(file => ImageDecoder.DecodeFile(file))];

    public static string[] Texts(ReferenceCase reference, string list) => [.. reference.Json.GetProperty(list).EnumerateArray().Select(text => text.GetString()!)];

    private static void CompareInputs(ReferenceCase reference, LanguageImageEncoderModel model)
    {
        int length = model.Settings.Text.MaxPositions;
        string[] labels = Texts(reference, "labels"), templates = Texts(reference, "templates");
        CompareIds(reference, "input_ids", model.Texts.EncodePadded(Texts(reference, "captions"), length));
        CompareIds(reference, "prompt_ids", model.Texts.EncodePadded([.. labels.SelectMany(label => templates.Select(template => template.Replace("{0}", label)))], length));
        PreparedPictures prepared = ImageEncoding.Of(model.Settings.Image).Prepare(Pictures(reference));
        reference.AreClose(reference["pixel_values"], tensor(prepared.Values, prepared.Shape), reference.Tolerance, "pixel_values");
        if (prepared.Grids.Length == 0) return;
        CollectionAssert.AreEqual(reference["spatial_shapes"].data<long>().ToArray(), prepared.Grids.SelectMany(grid => new[] { (long)grid.Rows, grid.Columns }).ToArray(), $"{reference.Name}: spatial_shapes");
        CollectionAssert.AreEqual(reference["pixel_attention_mask"].sum(1).data<long>().ToArray(), prepared.Grids.Select(grid => (long)grid.Count).ToArray(), $"{reference.Name}: pixel_attention_mask");
    }

    private static void CompareIds(ReferenceCase reference, string name, long[] ids)
        => CollectionAssert.AreEqual(reference[name].data<long>().ToArray(), ids, $"{reference.Name}: {name}: {string.Join(", ", ids)}");

    private static void CompareVectors(ReferenceCase reference, LanguageImageEncoderModel model)
    {
        Tensor expected = reference["image_embeds"];
        // One at a time and together.
        foreach (int perCall in new[] { 1, 8 })
        {
            Tensor images = tensor(model.EmbedImages(Pictures(reference), perCall, CPU), expected.shape), texts = tensor(model.EmbedTexts(Texts(reference, "captions"), perCall, CPU), expected.shape);
            reference.AreClose(expected, images, reference.Tolerance, "image_embeds");
            reference.AreClose(reference["text_embeds"], texts, reference.Tolerance, "text_embeds");
            (float scale, float bias) = model.Calibration(CPU);
            reference.AreClose(reference["logits_per_image"], images.mm(texts.t()) * scale + bias, 10 * reference.Tolerance, "logits_per_image");
        }
    }

    private static void CompareZeroShot(ReferenceCase reference, LanguageImageEncoderModel model)
    {
        ZeroShotLabels labels = ZeroShotLabels.Of(model, Texts(reference, "labels"), Texts(reference, "templates"), perCall: 3, CPU);
        float[][] logits = [.. model.EmbedImages(Pictures(reference), 8, CPU).Chunk(model.VectorLength).Select(picture => labels.Logits(picture))];
        Tensor found = tensor(logits.SelectMany(row => row).ToArray(), [logits.Length, logits[0].Length]);
        reference.AreClose(reference["zero_shot.logits"], found, 10 * reference.Tolerance, "zero_shot.logits");
        reference.AreClose(reference["zero_shot.probabilities"], found.sigmoid(), 10 * reference.Tolerance, "zero_shot.probabilities");
    }

    private static LanguageImageBatch Batch(ReferenceCase reference, LanguageImageEncoderModel model)
    {
        PreparedPictures prepared = ImageEncoding.Of(model.Settings.Image).Prepare(Pictures(reference));
        return new LanguageImageBatch(tensor(prepared.Values, prepared.Shape).DetachFromDisposeScope(), [.. Texts(reference, "captions").Select(text => model.Texts.Encode(text))], Grids: prepared.Grids);
    }

    private static void CompareGradients(ReferenceCase reference, LanguageImageEncoderModel model, LanguageImageBatch batch)
    {
        const string Prefix = "grad.";
        using LanguageImageModel learner = Learner(reference, model);
        LanguageImageLoss loss = new LanguageImageObjective(learner, Tokens(model), captionWeight: 0, contrastiveWeight: 1).Accumulate(batch);
        reference.AreClose(reference["loss"].item<float>(), loss.Total, reference.Tolerance, "loss");
        Dictionary<string, Parameter> parameters = learner.named_parameters().ToDictionary(p => p.name, p => p.parameter);
        CollectionAssert.AreEquivalent(reference.Beginning(Prefix), parameters.Keys.Select(name => Prefix + name).ToArray(), $"{reference.Name}: gradients");
        double relative = reference.Json.GetProperty("grad_relative").GetDouble();
        foreach ((string name, Parameter parameter) in parameters)
        {
            using var scope = NewDisposeScope();
            Tensor expected = reference[Prefix + name];
            // The gradient of a key's bias is nothing but rounding: softmax does not see what all keys have in common.
            double allowed = relative * expected.norm().item<float>() + 1e-6, distance = (parameter.grad! - expected).norm().item<float>();
            Assert.IsLessThanOrEqualTo(allowed, distance, $"{reference.Name}: gradient of {name}");
        }
    }

    private static void CompareStep(ReferenceCase reference, LanguageImageEncoderModel model, LanguageImageBatch batch)
    {
        const float Noise = 1e-5f;
        using LanguageImageModel learner = Learner(reference, model);
        using var trainer = new LanguageImagePretrainer(learner, Options(reference), Tokens(model));
        trainer.Train([batch with { Pixels = batch.Pixels.clone().DetachFromDisposeScope() }]);
        foreach ((string name, Parameter parameter) in learner.named_parameters())
        {
            using var scope = NewDisposeScope();
            // AdamW's first step has the size of the learning rate whatever the gradient's: of one that is rounding it says nothing.
            Tensor telling = reference["grad." + name].abs() > Noise, expected = reference["step." + name];
            reference.AreClose(expected * telling, parameter.detach() * telling, reference.Json.GetProperty("step_tolerance").GetDouble(), $"{name} after a step");
        }

        LanguageImageScores after = trainer.Evaluate([batch with { Pixels = batch.Pixels.clone().DetachFromDisposeScope() }]);
        reference.AreClose(reference["step.loss"].item<float>(), after.ContrastiveLoss!.Value, 1e-3, "loss after a step");
    }

    private static LanguageImageModel Learner(ReferenceCase reference, LanguageImageEncoderModel model)
        => EncoderStart.FromFolder(reference.Folder, Options(reference), ImageAspectRatio.Square, Tokens(model), CPU, seed: 1, new TrainingMemory(CPU, averages: false)).Model;

    private static CaptionTokens Tokens(LanguageImageEncoderModel model) => new(model.Texts.Tokenizer.HighestId + 1, model.Texts.End, model.Texts.Padding);

    private static LanguageImagePretrainingOptions Options(ReferenceCase reference) => new()
    {
        CaptionWeight = 0,
        ContrastiveWeight = 1,
        MaximumSteps = 1,
        LearningRate = reference.Json.GetProperty("learning_rate").GetDouble(),
        Schedule = LearningRateScheduleKind.Constant,
        WarmupRatio = 0,
        MaximumGradientNorm = null,
        VisualTokenCount = 4,
        Precision = Precision.Float32,
    };
}
