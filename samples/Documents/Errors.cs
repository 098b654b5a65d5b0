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
}
