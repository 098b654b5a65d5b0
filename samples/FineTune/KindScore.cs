namespace FineTune;

/// <summary>How rows of one kind were answered.</summary>
internal sealed class KindScore
{
    private double _cosines, _otherCosines;
    private int _others;
    private float[]? _previous;

    public int Rows { get; private set; }

    /// <summary>Rows that could not be answered (a prompt that is too long).</summary>
    public int Failed { get; private set; }

    /// <summary>Rows whose answer is that of the data, word for word, with its pictures in the same places.</summary>
    public int Exact { get; private set; }

    public double ExactShare => Rows == 0 ? 0 : (double)Exact / Rows;

    /// <summary>Pictures that the data answer with.</summary>
    public int Pictures { get; private set; }

    /// <summary>Those of rows that were answered with as many.</summary>
    public int PicturesPredicted { get; private set; }

    /// <summary>The mean cosine of predicted and true visual tokens over the pictures that were predicted; null where none was.</summary>
    public double? MeanCosine => PicturesPredicted == 0 ? null : _cosines / PicturesPredicted;

    /// <summary>The mean cosine between true pictures and those of the rows before them: what an answer gets that shows any picture; null where there are no two.</summary>
    public double? CosineOfOthers => _others == 0 ? null : _otherCosines / _others;

    /// <summary>Marks a row.</summary>
    /// <param name="row">The row and its answer.</param>
    /// <param name="pictureLength">Values of a picture.</param>
    /// <param name="tokens">Visual tokens of a picture.</param>
    public void Add(Answered row, int pictureLength, int tokens)
    {
        Rows++;
        if (row.Error.Length > 0) Failed++;
        else if (row.PredictedResponse.Trim() == row.Response[^1].Trim()) Exact++;
        int pictures = RowKinds.Marks(row.Response[^1]);
        Pictures += pictures;
        for (int i = 0; i < pictures; i++)
        {
            float[] truth = row.VisualTokens[^((pictures - i) * pictureLength)..][..pictureLength];
            if (_previous is not null) (_others, _otherCosines) = (_others + 1, _otherCosines + Similarity(truth, _previous, tokens));
            _previous = truth;
            if (row.ResponseVisualTokens.Length != pictures * pictureLength) continue;
            PicturesPredicted++;
            _cosines += Similarity(truth, row.ResponseVisualTokens.AsSpan(i * pictureLength, pictureLength), tokens);
        }
    }

    /// <summary>The mean cosine of the visual tokens of two pictures.</summary>
    private static double Similarity(ReadOnlySpan<float> a, ReadOnlySpan<float> b, int tokens)
    {
        double sum = 0;
        int width = a.Length / tokens;
        for (int i = 0; i < a.Length; i += width) sum += Cosine(a.Slice(i, width), b.Slice(i, width));
        return sum / tokens;
    }

    private static double Cosine(ReadOnlySpan<float> a, ReadOnlySpan<float> b)
    {
        double dot = 0, first = 0, second = 0;
        for (int i = 0; i < a.Length; i++) (dot, first, second) = (dot + (double)a[i] * b[i], first + (double)a[i] * a[i], second + (double)b[i] * b[i]);
        return first == 0 || second == 0 ? 0 : dot / Math.Sqrt(first * second);
    }
}
