namespace Microsoft.ML.MetaMorph;

/// <summary>Turns ids into text as they come: a character whose bytes are spread over several tokens is given once it is whole.</summary>
internal interface ITextStream
{
    /// <summary>Takes an id and gives the text that is certain by now; empty for special tokens.</summary>
    string Append(int id);

    /// <summary>Gives what is still held back; the stream can go on afterwards.</summary>
    string Flush();
}
