namespace Microsoft.ML.MetaMorph;

/// <summary>A token that is found in the text before the model sees it.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Content">Its spelling.</param>
/// <param name="SingleWord">Found only where no letter or digit touches it.</param>
/// <param name="LeftStrip">Swallows white space before it.</param>
/// <param name="RightStrip">Swallows white space after it.</param>
/// <param name="Normalized">Found in the normalised text, spelled as the normaliser spells it.</param>
/// <param name="Special">Left out by a decoder that skips special tokens.</param>
internal sealed record AddedToken(int Id, string Content, bool SingleWord, bool LeftStrip, bool RightStrip, bool Normalized, bool Special)
{
    public static AddedToken SpecialToken(int id, string content) => new(id, content, false, false, false, false, true);

    public static AddedToken Read(TokenizerSection section, int id)
    {
        string content = section.Text("content");
        bool special = section.Flag("special", false);
        return new AddedToken(id, content, section.Flag("single_word", false), section.Flag("lstrip", false), section.Flag("rstrip", false), section.Flag("normalized", !special), special);
    }
}
