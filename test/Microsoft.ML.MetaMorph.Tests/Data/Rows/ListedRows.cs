namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>A source of numbered rows, some of which are problems.</summary>
internal sealed class ListedRows(string name, int count, params int[] bad) : RowSource
{
    /// <summary>How often it was read from the beginning.</summary>
    public int Passes { get; private set; }

    public override long? Count => count;

    public override bool ImagesAreFiles => true;

    public override IEnumerable<RowReading> Read()
    {
        Passes++;
        for (int i = 0; i < count; i++)
        {
            var place = new RowPlace(name, i + 1, "row");
            yield return bad.Contains(i) ? RowReading.Failed(place, "bad.") : RowReading.Of(place, new InstructionRow([$"{i}"], ["yes"]));
        }
    }
}
