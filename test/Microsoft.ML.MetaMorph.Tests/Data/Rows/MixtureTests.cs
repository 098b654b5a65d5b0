using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Several sources as one, drawn by weight.</summary>
[TestClass]
public sealed class MixtureTests
{
    private readonly MetaMorphData _data = new MLContext(seed: 5).MetaMorph().Data;

    [TestMethod]
    public void EveryRowComesOnceInTheOrderOfItsSource()
    {
        RowSource mixture = _data.Mixture([new RowMixturePart(new ListedRows("a", 300)), new RowMixturePart(new ListedRows("b", 100))]);
        RowReading[] rows = [.. mixture.Read()];
        foreach ((string name, int count) in new[] { ("a", 300), ("b", 100) })
            CollectionAssert.AreEqual(Enumerable.Range(1, count).Select(i => (long)i).ToArray(), rows.Where(row => row.Place.File == name).Select(row => row.Place.Number).ToArray());
        Assert.HasCount(400, rows);
    }

    /// <summary>4,000 draws at 1/4: the standard deviation is 27.4, and five of them are allowed.</summary>
    [TestMethod]
    public void WeightsDecideHowOftenASourceHasItsTurn()
    {
        RowSource mixture = _data.Mixture([new RowMixturePart(new ListedRows("a", 10_000), 0.5), new RowMixturePart(new ListedRows("b", 10_000), 1.5)]);
        Assert.AreEqual(1000, mixture.Read().Take(4000).Count(row => row.Place.File == "a"), 137);
    }

    [TestMethod]
    public void TheSeedDecidesAndEveryPassIsTheSame()
    {
        RowPlace[] Order(MetaMorphData data, int? seed) => [.. data.Mixture([new RowMixturePart(new ListedRows("a", 50)), new RowMixturePart(new ListedRows("b", 50))], seed).Read().Select(row => row.Place)];
        RowPlace[] five = Order(_data, null);
        CollectionAssert.AreEqual(five, Order(_data, 5));
        CollectionAssert.AreNotEqual(five, Order(_data, 6));
        CollectionAssert.AreEqual(Order(new MLContext().MetaMorph().Data, null), Order(_data, 0));
        RowSource mixture = _data.Mixture([new RowMixturePart(new ListedRows("a", 50)), new RowMixturePart(new ListedRows("b", 50))]);
        CollectionAssert.AreEqual(five, mixture.Read().Select(row => row.Place).ToArray());
        // In place: what comes behind the first thirty rows, without them.
        IDataView view = new MLContext().Data.SkipRows(_data.Load(mixture, new RowViewOptions { SeveralTurns = false }), 30);
        CollectionAssert.AreEqual(five[30..].Select(place => $"{place.Number - 1}").ToArray(), view.GetColumn<string>("Prompt").ToArray());
    }

    [TestMethod]
    public void LimitsCountRowsAndRepetitionsReachThem()
    {
        var bad = new ListedRows("a", 4, bad: 1);
        RowReading[] rows = [.. _data.Mixture([new RowMixturePart(bad) { Limit = 7, Repeat = true }]).Read()];
        Assert.AreEqual("0 - 2 3 0 - 2 3 0", string.Join(' ', rows.Select(row => row.Row?.Prompts[0] ?? "-")));
        Assert.AreEqual(3, bad.Passes);
        rows = [.. _data.Mixture([new RowMixturePart(bad) { Limit = 2 }, new RowMixturePart(new ListedRows("b", 3)) { Limit = 9 }]).Read()];
        Assert.AreEqual((3, 3), (rows.Count(row => row.Place.File == "a"), rows.Count(row => row.Place.File == "b")));
        // What never gives a row ends, instead of being read for ever.
        Assert.HasCount(2, _data.Mixture([new RowMixturePart(new ListedRows("c", 2, bad: [0, 1])) { Limit = 5, Repeat = true }]).Read().ToArray());
    }

    [TestMethod]
    public void WhatCannotBeIsNamed()
    {
        string Message(params RowMixturePart[] parts) => Assert.Throws<ArgumentException>(() => _data.Mixture(parts)).Message.Split(" (Parameter")[0];
        var rows = new ListedRows("a", 1);
        Assert.AreEqual("The mixture has no parts; give at least one.", Message());
        Assert.AreEqual("Part 2 of the mixture has the Weight 0; a finite number above 0 is needed.", Message(new RowMixturePart(rows), new RowMixturePart(rows, 0)));
        Assert.AreEqual("Part 1 of the mixture has the Weight NaN; a finite number above 0 is needed.", Message(new RowMixturePart(rows, double.NaN)));
        Assert.AreEqual("Part 1 of the mixture has the Limit 0; 1 or more is needed, or null for all rows.", Message(new RowMixturePart(rows) { Limit = 0 }));
        Assert.AreEqual("Part 1 of the mixture has Repeat without a Limit, so the mixture would never end. Set Limit.", Message(new RowMixturePart(rows) { Repeat = true }));
    }
}
