using Microsoft.ML.MetaMorph;

namespace FineTune;

/// <summary>First the words of the rows, as byte pairs: for a language model, and for the captions of an encoder, of one's own.</summary>
internal static class TokenizerPhase
{
    /// <summary>The tokenizer of the run: made where it is not there yet.</summary>
    public static LanguageTokenizer Run(OutputFolder output, RunSettings settings, TrainingRows rows)
    {
        WholeFolder.Make(output.Tokenizer, folder => Train(settings, rows).Save(folder));
        return LanguageTokenizer.Load(output.Tokenizer);
    }

    public static LanguageTokenizer Train(RunSettings settings, TrainingRows rows)
        => LanguageTokenizer.Train(rows.Texts, new BytePairTrainingOptions { VocabularySize = settings.Sizes!.Vocabulary });
}
