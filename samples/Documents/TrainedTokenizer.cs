using Microsoft.ML;
using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>A tokenizer without pretrained files.</summary>
public static class TrainedTokenizer
{
    public static LanguageTokenizer Run(MLContext ml, IDataView rows, string folder)
    {
        // <trained-tokenizer>
        LanguageTokenizer tokenizer = ml.MetaMorph().TrainTokenizer(rows, "Prompt", new BytePairTrainingOptions { VocabularySize = 400 });
        tokenizer.Save(folder);                 // tokenizer.json and tokenizer_config.json; LanguageTokenizer.Load opens them again
        // </trained-tokenizer>
        return tokenizer;
    }
}
