using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Models as folders in Hugging Face layout.</summary>
public static class Folders
{
    public static MetaMorphTransformer Run(MLContext ml, MetaMorphTransformer model, ImageEncoder encoder, IDataView encodedRows, string folder)
    {
        // <folders>
        model.SaveAsPretrained(Path.Combine(folder, "metamorph"), bfloat16: true);
        encoder.Save(Path.Combine(folder, "encoder"));

        using ImageEncoder sameEncoder = ImageEncoder.Load(Path.Combine(folder, "encoder"));
        MetaMorphTransformer same = ml.MetaMorph().GenerateResponse(Path.Combine(folder, "metamorph")).Fit(encodedRows);
        // </folders>
        return same;
    }
}
