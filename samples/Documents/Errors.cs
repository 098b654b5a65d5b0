using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Rows that cannot be answered, and how sure the model was of those that can.</summary>
public static class Errors
{
    public static MetaMorphTransformer Run(MLContext ml, IDataView encodedRows, string folder)
    {
        // <errors>
        MetaMorphTransformer model = ml.MetaMorph().GenerateResponse(new GenerateResponseEstimator.Options
        {
            PretrainedFolder = folder,
            ErrorColumnName = "Error",                          // empty where a row could be answered
            LogProbabilityColumnName = "LogProbabilities",      // one value a text token
        }).Fit(encodedRows);
        // </errors>
        return model;
    }

    /// <summary>Pictures that cannot be read, in front of a cache.</summary>
    public static IDataView RunCached(MLContext ml, IDataView rows, ImageEncoder encoder)
    {
        // <cached-errors>
        EncodeImagesTransformer encoding = ml.MetaMorph().EncodeImages(new EncodeImagesEstimator.Options
        {
            InputColumnNames = ["PromptImage", "ResponseImage"],
            Encoder = encoder,
            ErrorColumnName = "ImageError",                     // empty where the pictures could be read
        }).Fit(rows);
        IDataView cached = ml.Data.Cache(encoding.Transform(rows));
        // </cached-errors>
        return cached;
    }
}
