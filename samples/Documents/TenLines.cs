using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>The pipeline of the README.</summary>
public static class TenLines
{
    public static Answer Run(string siglip, string llama, IEnumerable<Question> questions, string zip, string picture)
    {
        // <ten-lines>
        var ml = new MLContext(seed: 1);
        IDataView rows = ml.Data.LoadFromEnumerable(questions);
        using ImageEncoder encoder = ImageEncoder.Load(siglip);                                      // frozen SigLIP
        var pipeline = ml.MetaMorph().EncodeImages("VisualTokens", "PromptImage", encoder)
            .Append(ml.MetaMorph().EncodeImages("ResponseTokens", "ResponseImage", encoder)).AppendCacheCheckpoint(ml)
            .Append(ml.MetaMorph().Trainers.VisualPredictiveInstructionTuning(llama, responseVisualTokensColumnName: "ResponseTokens"));
        var model = pipeline.Fit(rows);                                                              // encodes once, then VPiT
        ml.Model.Save(model, rows.Schema, zip);                                                      // plain ML.NET
        using var engine = ml.Model.CreatePredictionEngine<Question, Answer>(ml.Model.Load(zip, out _));
        Answer answer = engine.Predict(new Question { Prompt = "<image>What is this?", PromptImage = picture });
        // </ten-lines>
        model.Dispose();
        return answer;
    }
}
