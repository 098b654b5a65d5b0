using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>Columns of <c>Vector&lt;Single&gt;</c> of one length, as ML.NET's trainers read them.</summary>
internal static class VectorColumn
{
    /// <summary>A column whose slots have no names.</summary>
    public static DataViewSchema.DetachedColumn Of(string name, int length) => new(name, new VectorDataViewType(NumberDataViewType.Single, length));

    /// <summary>A column whose slots have names, in the annotation <c>SlotNames</c>.</summary>
    public static DataViewSchema.DetachedColumn Of(string name, IReadOnlyList<string> slots)
        => new(name, new VectorDataViewType(NumberDataViewType.Single, slots.Count), Annotation("SlotNames", slots));

    /// <summary>A column of keys whose values are texts, in the annotation <c>KeyValues</c>.</summary>
    public static DataViewSchema.DetachedColumn Key(string name, IReadOnlyList<string> values)
        => new(name, new KeyDataViewType(typeof(uint), values.Count), Annotation("KeyValues", values));

    /// <summary>A vector of NaN, as ML.NET writes missing values.</summary>
    public static float[] Missing(int length)
    {
        var values = new float[length];
        Array.Fill(values, float.NaN);
        return values;
    }

    /// <summary>Copies a row's values.</summary>
    public static void Set(ref VBuffer<float> value, ReadOnlySpan<float> values)
    {
        VBufferEditor<float> editor = VBufferEditor.Create(ref value, values.Length);
        values.CopyTo(editor.Values);
        value = editor.Commit();
    }

    private static DataViewSchema.Annotations Annotation(string kind, IReadOnlyList<string> texts)
    {
        ReadOnlyMemory<char>[] names = [.. texts.Select(text => text.AsMemory())];
        var builder = new DataViewSchema.Annotations.Builder();
        builder.Add(kind, new VectorDataViewType(TextDataViewType.Instance, names.Length), (ref VBuffer<ReadOnlyMemory<char>> value) => value = new VBuffer<ReadOnlyMemory<char>>(names.Length, names));
        return builder.ToAnnotations();
    }
}
