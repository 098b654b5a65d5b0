using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// How many pictures of a row each column of pictures gave, in a column beside their visual tokens. The tokens of several columns stand one
/// after another, and what follows an empty column moves up; here whoever reads the tokens sees that it did. A column that gives some pictures, but too
/// few, cannot be told from one whose prompt goes on in the next column.
/// </summary>
internal sealed class PictureCounts
{
    // An annotation of the tokens' column: the name of the column with the counts.
    private const string AnnotationKind = "PictureCounts";
    private const string Suffix = "PictureCounts";

    private readonly string[] _columns;
    private readonly ValueGetter<VBuffer<int>> _getter;
    private VBuffer<int> _counts;

    private PictureCounts(DataViewRow row, DataViewSchema.Column column)
    {
        _getter = row.GetGetter<VBuffer<int>>(column);
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.GetSlotNames(ref names);
        _columns = [.. names.DenseValues().Select(name => name.ToString())];
    }

    /// <summary>The counts' column of a column of tokens that is made from several columns of pictures.</summary>
    public static string NameFor(string tokens) => tokens + Suffix;

    /// <summary>The tokens' column, which names the one with the counts.</summary>
    public static DataViewSchema.DetachedColumn Annotated(string tokens, DataViewType type)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        annotations.Add(AnnotationKind, TextDataViewType.Instance, (ref ReadOnlyMemory<char> value) => value = NameFor(tokens).AsMemory());
        return new DataViewSchema.DetachedColumn(tokens, type, annotations.ToAnnotations());
    }

    /// <summary>The counts' column; its slots have the names of the columns of pictures.</summary>
    public static DataViewSchema.DetachedColumn Column(string tokens, IReadOnlyList<string> pictures)
    {
        var annotations = new DataViewSchema.Annotations.Builder();
        ReadOnlyMemory<char>[] names = [.. pictures.Select(name => name.AsMemory())];
        annotations.Add("SlotNames", new VectorDataViewType(TextDataViewType.Instance, names.Length), (ref VBuffer<ReadOnlyMemory<char>> value) => value = new VBuffer<ReadOnlyMemory<char>>(names.Length, names));
        return new DataViewSchema.DetachedColumn(NameFor(tokens), new VectorDataViewType(NumberDataViewType.Int32, names.Length), annotations.ToAnnotations());
    }

    /// <summary>The counts' column of a schema; null where the tokens are made from one column, or the counts were dropped on the way.</summary>
    public static DataViewSchema.Column? Find(DataViewSchema schema, string? tokens)
    {
        if (tokens is null || schema.GetColumnOrNull(tokens) is not { } column || column.Annotations.Schema.GetColumnOrNull(AnnotationKind) is not { Type: TextDataViewType }) return null;
        ReadOnlyMemory<char> name = default;
        column.Annotations.GetValue(AnnotationKind, ref name);
        return schema.GetColumnOrNull(name.ToString()) is { Type: VectorDataViewType { Size: > 0 } vector } counts && vector.ItemType == NumberDataViewType.Int32 && counts.HasSlotNames() ? counts : null;
    }

    /// <summary>Binds to the counts of a column of tokens; null where there are none.</summary>
    public static PictureCounts? Open(DataViewRow row, string? tokens) => Find(row.Schema, tokens) is { } column ? new PictureCounts(row, column) : null;

    /// <summary>The first column of pictures that is empty in front of one that is not.</summary>
    /// <returns>The pictures in front of it, its name, and the name of the column whose picture stands in its place; null where no picture moved up.</returns>
    public (int Before, string Empty, string Next)? Gap()
    {
        _getter(ref _counts);
        ReadOnlySpan<int> counts = [.. _counts.DenseValues()];
        int empty = counts.IndexOf(0);
        int next = empty < 0 ? -1 : counts[empty..].IndexOfAnyExcept(0);
        if (next < 0) return null;
        int before = 0;
        foreach (int count in counts[..empty]) before += count;
        return (before, _columns[empty], _columns[empty + next]);
    }
}
