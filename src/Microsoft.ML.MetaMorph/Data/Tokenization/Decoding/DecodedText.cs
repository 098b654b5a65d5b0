using System.Text;

namespace Microsoft.ML.MetaMorph;

/// <summary>The end of the stages: collects the text.</summary>
internal sealed class DecodedText : DecodingStage
{
    private readonly StringBuilder _text = new();

    public override void Push(string chunk, bool begins, bool ends) => _text.Append(chunk);

    public override void Finish()
    {
    }

    /// <summary>What came since the last call.</summary>
    public string Take()
    {
        if (_text.Length == 0) return "";
        string text = _text.ToString();
        _text.Clear();
        return text;
    }
}
