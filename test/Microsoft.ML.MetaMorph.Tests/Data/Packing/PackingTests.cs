using FsCheck;
using FsCheck.Fluent;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class PackingTests
{
    private const int ImageStart = 7, ImageEnd = 8;

    /// <summary>Rows of random text and images; some supervise their first token, some nothing.</summary>
    private static readonly Gen<TokenSequence> Row =
        from pieces in Gen.Choose(0, 4).SelectMany(n => Gen.Choose(0, 9).ListOf(n + 1))
        from supervisedFrom in Gen.Choose(0, 12)
        select MakeRow(pieces, supervisedFrom);

    private static readonly Gen<(List<TokenSequence> Rows, int Budget, int Tokens, int LookAhead, int Seed)> Packing =
        from count in Gen.Choose(0, 30)
        from rows in Row.ListOf(count)
        from budget in Gen.Choose(1, 60)
        from tokens in Gen.Choose(1, 9)
        from lookAhead in Gen.Choose(1, 12)
        from seed in Gen.Choose(0, 1000)
        select (rows, budget, tokens, lookAhead, seed);

    /// <summary>Packs the case's rows, in order, into one sequence.</summary>
    internal static PackedSequence PackRows(ReferenceCase reference) =>
        PackedSequence.FromRows(Rows(reference), TokensPerImage(reference), reference.Json.GetProperty("image_start").GetInt32());

    /// <summary>The rows <c>rowN.input_ids</c>, <c>rowN.labels</c> as they stand in the case.</summary>
    internal static TokenSequence[] Rows(ReferenceCase reference) =>
        [.. Enumerable.Range(0, reference.Json.GetProperty("rows").GetInt32()).Select(i => new TokenSequence(Integers(reference, $"row{i}.input_ids"), Integers(reference, $"row{i}.labels")))];

    internal static int TokensPerImage(ReferenceCase reference) => Enumerable.Range(0, reference.Json.GetProperty("rows").GetInt32())
        .Where(i => reference.Has($"row{i}.visual_tokens")).Select(i => (int)reference[$"row{i}.visual_tokens"].shape[1]).FirstOrDefault(1);

    /// <summary>Asserts <c>lengths</c>, <c>supervised_tokens</c>, <c>visual_positions</c>, <c>position_ids</c> and <c>segments</c>.</summary>
    internal static void CheckCounts(ReferenceCase reference)
    {
        PackedSequence packed = PackRows(reference);
        int[] lengths = [.. reference.Json.GetProperty("lengths").EnumerateArray().Select(n => n.GetInt32())];
        CollectionAssert.AreEqual(lengths, packed.RowLengths, $"{reference.Name}: lengths");
        Assert.AreEqual(reference.Json.GetProperty("supervised_tokens").GetInt32(), packed.SupervisedTokens, $"{reference.Name}: supervised tokens");
        Assert.AreEqual(reference.Json.GetProperty("visual_positions").GetInt32(), packed.VisualTargets, $"{reference.Name}: visual positions");
        Assert.AreEqual(packed.SupervisedTokens, Rows(reference).Sum(row => row.SupervisedTokens), $"{reference.Name}: supervised tokens of the rows");
        CollectionAssert.AreEqual(Integers(reference, "segments"), lengths.SelectMany((length, row) => Enumerable.Repeat(row, length)).ToArray(), $"{reference.Name}: segments");
        CollectionAssert.AreEqual(Integers(reference, "position_ids"), lengths.SelectMany(length => Enumerable.Range(0, length)).ToArray(), $"{reference.Name}: positions");
    }

    [TestMethod]
    public void EveryRowIsPackedOnceAndTheBudgetIsKept()
    {
        Prop.ForAll(Packing.ToArbitrary(), c =>
        {
            var packer = new SequencePacker(c.Budget, c.Tokens, ImageStart, lookAhead: c.LookAhead);
            foreach (PackedSequence[] packs in (PackedSequence[][])[[.. packer.Pack(c.Rows, c.Seed)], [.. packer.Pack(c.Rows)], [.. packer.Pack(c.Rows.Select(row => row))]])
            {
                CollectionAssert.AreEquivalent(Enumerable.Range(0, c.Rows.Count).ToArray(), packs.SelectMany(pack => pack.Rows).ToArray());
                foreach (PackedSequence pack in packs)
                {
                    Assert.IsTrue(pack.Length <= c.Budget || pack.Rows.Length == 1, $"{pack.Length} positions of {c.Budget} in {pack.Rows.Length} rows");
                    Assert.AreEqual(pack.Length, pack.RowLengths.Sum());
                    CollectionAssert.AreEqual(pack.Rows.Select(row => c.Rows[row].ExpandedLength(c.Tokens)).ToArray(), pack.RowLengths);
                    Assert.AreEqual(pack.Rows.Sum(row => c.Rows[row].ImageCount), pack.ImageCount);
                }
            }
        }).QuickCheckThrowOnFailure();
    }

    [TestMethod]
    public void IdsLabelsAndVisualTargetsArePreserved()
    {
        Prop.ForAll(Packing.ToArbitrary(), c =>
        {
            foreach (PackedSequence pack in new SequencePacker(c.Budget, c.Tokens, ImageStart, lookAhead: c.LookAhead).Pack(c.Rows, c.Seed))
            {
                (int Id, int Label, bool Target)[] expected = [.. pack.Rows.SelectMany(row => Expanded(c.Rows[row], c.Tokens))];
                CollectionAssert.AreEqual(expected.Select(p => p.Id).ToArray(), pack.Ids);
                CollectionAssert.AreEqual(expected.Select(p => p.Label).ToArray(), pack.Labels);
                CollectionAssert.AreEqual(expected.Select(p => p.Target).ToArray(), pack.IsVisualTarget);
            }
        }).QuickCheckThrowOnFailure();
    }

    [TestMethod]
    public void TheSeedAloneDecidesTheOrder()
    {
        int[] lengths = [.. Enumerable.Range(0, 200).Select(i => 1 + i * 37 % 50)];
        var packer = new SequencePacker(64, 4, ImageStart, lookAhead: 16);
        string Order(int? seed) => string.Join(';', packer.Plan(lengths, seed).Select(pack => string.Join(',', pack)));
        Assert.AreEqual(Order(3), Order(3));
        Assert.AreNotEqual(Order(3), Order(4));
        Assert.StartsWith("0,", Order(null));
    }

    [TestMethod]
    public void TheLongestRowThatFitsIsTakenAndNoneWaitsForEver()
    {
        var packer = new SequencePacker(10, 1, ImageStart, lookAhead: 4);
        CollectionAssert.AreEqual((int[])[0, 2], packer.Plan([4, 3, 6, 5]).First());
        // A row that fits nowhere else opens the next sequence instead of being passed over.
        CollectionAssert.AreEqual((int[])[1], packer.Plan([6, 10, 4, 1, 1, 1]).Skip(1).First());
    }

    [TestMethod]
    public void SequencesAreWellFilled()
    {
        var random = new Random(1);
        int[] lengths = [.. Enumerable.Range(0, 2000).Select(_ => random.Next(20, 400))];
        int packs = new SequencePacker(1024, 1, ImageStart).Plan(lengths).Count;
        Assert.IsGreaterThan(0.97, lengths.Sum() / (1024.0 * packs));
    }

    [TestMethod]
    public void RowsAreReadNoFurtherAheadThanAllowed()
    {
        int read = 0;
        IEnumerable<TokenSequence> Source()
        {
            while (true)
            {
                read++;
                yield return new TokenSequence([1, 2, 3], [1, 2, 3]);
            }
        }

        Assert.AreEqual(3, new SequencePacker(9, 1, ImageStart, lookAhead: 5).Pack(Source()).First().RowLengths.Length);
        Assert.AreEqual(5 + 3, read);
    }

    [TestMethod]
    public void ALongRowGetsASequenceOfItsOwnUpToTheMaximum()
    {
        CollectionAssert.AreEqual((int[])[1], new SequencePacker(10, 1, ImageStart).Plan([5, 15, 5]).Single(pack => pack.Contains(1)));
        string message = Assert.ThrowsExactly<ArgumentException>(() => new SequencePacker(10, 1, ImageStart, maximumLength: 14).Plan([5, 15, 5])).Message;
        StringAssert.Contains(message, "Row 1 takes 15 positions, more than the maximum length of 14");
    }

    [TestMethod]
    public void AnEmptyRowIsNamed()
    {
        Assert.AreEqual("Row 1 has no tokens; an empty row cannot be packed. Leave it out.", Assert.ThrowsExactly<ArgumentException>(() => new SequencePacker(10, 1, ImageStart).Plan([3, 0])).Message);
        Assert.AreEqual("Row 6 has no tokens; an empty row cannot be packed. Leave it out.", Assert.ThrowsExactly<ArgumentException>(() => PackedSequence.FromRows([new TokenSequence([], [])], 1, ImageStart, [6])).Message);
    }

    [TestMethod]
    public void LabelsAndIdsMustBeAsMany()
    {
        string message = Assert.ThrowsExactly<ArgumentException>(() => new TokenSequence([1, 2, 3], [1, 2])).Message;
        StringAssert.Contains(message, "3 ids");
        StringAssert.Contains(message, "2 were given");
    }

    /// <summary>The definition: position by position.</summary>
    private static IEnumerable<(int Id, int Label, bool Target)> Expanded(TokenSequence row, int tokens)
    {
        for (int i = 0; i < row.Ids.Length; i++)
        {
            bool image = row.Ids[i] == TokenSequence.ImagePlaceholder, target = image && i > 0 && row.Labels[i - 1] == ImageStart;
            for (int k = 0; k < (image ? tokens : 1); k++)
                yield return (row.Ids[i], image || i == 0 ? TokenSequence.Ignored : row.Labels[i], target);
        }
    }

    private static TokenSequence MakeRow(List<int> pieces, int supervisedFrom)
    {
        int[] ids = [.. pieces.SelectMany((piece, i) => piece < 3 ? (int[])[ImageStart, TokenSequence.ImagePlaceholder, ImageEnd] : [.. Enumerable.Range(10 * i, piece - 2)])];
        return new TokenSequence(ids, [.. ids.Select((id, i) => i >= supervisedFrom ? id : TokenSequence.Ignored)]);
    }

    private static int[] Integers(ReferenceCase reference, string name) => [.. reference[name].data<long>().ToArray().Select(n => checked((int)n))];
}
