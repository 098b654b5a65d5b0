using System.Reflection;
using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Reads any column of any row as a plain object: numbers, strings, arrays; pictures as their pixels.</summary>
internal static class ColumnValues
{
    private static readonly MethodInfo Typed = typeof(ColumnValues).GetMethod(nameof(TypedReader), BindingFlags.NonPublic | BindingFlags.Static)!;

    public static Func<object?> Reader(DataViewRow row, DataViewSchema.Column column)
        => (Func<object?>)Typed.MakeGenericMethod(column.Type.RawType).Invoke(null, [row, column])!;

    /// <summary>All rows of the named columns, in the order of one cursor.</summary>
    public static List<object?[]> Rows(IDataView view, IReadOnlyList<string> columns, Random? random = null, List<DataViewRowId>? ids = null)
    {
        DataViewSchema.Column[] needed = [.. columns.Select(name => view.Schema[name])];
        using DataViewRowCursor cursor = view.GetRowCursor(needed, random);
        return Rows(cursor, needed, ids);
    }

    public static List<object?[]> Rows(DataViewRowCursor cursor, DataViewSchema.Column[] columns, List<DataViewRowId>? ids = null)
    {
        Func<object?>[] readers = [.. columns.Select(column => Reader(cursor, column))];
        ValueGetter<DataViewRowId> getId = cursor.GetIdGetter();
        var rows = new List<object?[]>();
        while (cursor.MoveNext())
        {
            rows.Add([.. readers.Select(read => read())]);
            DataViewRowId id = default;
            getId(ref id);
            ids?.Add(id);
        }

        return rows;
    }

    public static void AssertEqual(IReadOnlyList<object?[]> expected, IReadOnlyList<object?[]> actual, double tolerance, string what)
    {
        Assert.AreEqual(expected.Count, actual.Count, $"{what}: rows");
        for (int row = 0; row < expected.Count; row++)
        {
            for (int column = 0; column < expected[row].Length; column++) AssertEqual(expected[row][column], actual[row][column], tolerance, $"{what}, row {row}, output {column}");
        }
    }

    private static void AssertEqual(object? expected, object? actual, double tolerance, string what)
    {
        switch (expected)
        {
            case float[] values:
                var found = (float[])actual!;
                Assert.AreEqual(values.Length, found.Length, what);
                for (int i = 0; i < values.Length; i++)
                {
                    if (values[i].Equals(found[i])) continue;
                    Assert.AreEqual(values[i], found[i], tolerance * Math.Max(1, Math.Abs(values[i])), $"{what}, value {i}");
                }

                break;
            case float value:
                if (!value.Equals((float)actual!)) Assert.AreEqual(value, (float)actual, tolerance * Math.Max(1, Math.Abs(value)), what);
                break;
            case byte[] pixels when tolerance > 0:
                // Values that differ by rounding may fall on either side of a level.
                var levels = (byte[])actual!;
                Assert.AreEqual(pixels.Length, levels.Length, what);
                for (int i = 0; i < pixels.Length; i++) Assert.IsLessThanOrEqualTo(1, Math.Abs(pixels[i] - levels[i]), $"{what}, byte {i}");
                break;
            case Array values:
                CollectionAssert.AreEqual(values, (Array)actual!, what);
                break;
            default:
                Assert.AreEqual(expected, actual, what);
                break;
        }
    }

    private static Func<object?> TypedReader<T>(DataViewRow row, DataViewSchema.Column column)
    {
        ValueGetter<T> getter = row.GetGetter<T>(column);
        T value = default!;
        return () =>
        {
            getter(ref value);
            return Plain(value);
        };
    }

    private static object? Plain(object? value) => value switch
    {
        null => null,
        ReadOnlyMemory<char> text => text.ToString(),
        MLImage image => image.Pixels.ToArray(),
        _ when value.GetType() is { IsGenericType: true } type && type.GetGenericTypeDefinition() == typeof(VBuffer<>)
            => value is VBuffer<ReadOnlyMemory<char>> texts
                ? texts.DenseValues().Select(text => text.ToString()).ToArray()
                : type.GetMethod("DenseValues")!.Invoke(value, null) is System.Collections.IEnumerable items ? ToArray(items, type.GenericTypeArguments[0]) : null,
        _ => value,
    };

    private static Array ToArray(System.Collections.IEnumerable items, Type element)
    {
        var list = (System.Collections.IList)Activator.CreateInstance(typeof(List<>).MakeGenericType(element))!;
        foreach (object item in items) list.Add(item);
        Array array = Array.CreateInstance(element, list.Count);
        list.CopyTo(array, 0);
        return array;
    }
}
