using Microsoft.ML.Data;
using Microsoft.ML.Transforms.Image;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Reads the pictures of a row: an <see cref="MLImage"/>, a path, several paths, or the bytes of one encoded picture. A missing value
/// (null, an empty path, no bytes) is no picture; empty paths may only stand at the end of a vector, for pictures keep their places.
/// </summary>
internal sealed class ImageColumn
{
    private const string Expected = "MLImage, Text (a path), a vector of Text (several paths) or a vector of Byte (an encoded picture)";

    private readonly string _name;
    private readonly string? _folder;
    private readonly Action<long, List<ImageInput>> _read;
    private readonly List<ImageInput> _inputs = [];

    /// <summary>Binds to a column; relative paths start at <paramref name="folder"/>, or at the current folder where it is null.</summary>
    public ImageColumn(DataViewRow row, string name, string? folder)
    {
        _name = name;
        _folder = folder;
        DataViewSchema.Column column = row.Schema[name];
        _read = column.Type switch
        {
            ImageDataViewType => Pictures(row.GetGetter<MLImage>(column)),
            TextDataViewType => Path(row.GetGetter<ReadOnlyMemory<char>>(column)),
            VectorDataViewType { ItemType: TextDataViewType } => Paths(row.GetGetter<VBuffer<ReadOnlyMemory<char>>>(column)),
            _ => Bytes(row.GetGetter<VBuffer<byte>>(column)),
        };
    }

    /// <summary>Checks the column of a schema.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(DataViewSchema schema, string name, string role)
    {
        DataViewType type = schema.GetColumnOrNull(name)?.Type ?? throw ColumnErrors.Missing(name, role, schema.Select(column => column.Name));
        bool fits = type is ImageDataViewType or TextDataViewType or VectorDataViewType { ItemType: TextDataViewType }
            || (type is VectorDataViewType { ItemType: NumberDataViewType } vector && vector.ItemType.RawType == typeof(byte));
        if (!fits) throw ColumnErrors.WrongType(name, role, type.ToString()!, Expected);
    }

    /// <summary>Checks the column of a shape.</summary>
    /// <exception cref="ArgumentException">It is missing or of another type.</exception>
    public static void Require(SchemaShape shape, string name, string role)
    {
        SchemaShape.Column column = SchemaShapes.Require(shape, name, role);
        bool scalar = column.Kind == SchemaShape.Column.VectorKind.Scalar;
        bool fits = !column.IsKey && (column.ItemType is TextDataViewType || (scalar && column.ItemType is ImageDataViewType)
            || (!scalar && column.ItemType is NumberDataViewType && column.ItemType.RawType == typeof(byte)));
        if (!fits) throw ColumnErrors.WrongType(name, role, SchemaShapes.Describe(column), Expected);
    }

    /// <summary>Appends the decoded pictures of the row on which the input stands.</summary>
    /// <param name="number">The row's number, for messages.</param>
    /// <param name="pictures">Takes the pictures.</param>
    /// <param name="check">Throws where a picture cannot be used.</param>
    /// <exception cref="InvalidDataException">Something is no picture, cannot be used, or an empty path stands before another; row, column and file are named.</exception>
    /// <exception cref="FileNotFoundException">A file is not there; row and column are named.</exception>
    /// <exception cref="DirectoryNotFoundException">Its folder is not there; row and column are named.</exception>
    public void Decode(long number, List<RgbImage> pictures, Action<RgbImage> check)
    {
        foreach (HeldPicture held in Hold(number)) pictures.Add(held.Decode(check));
    }

    /// <summary>The pictures of the row on which the input stands, to be decoded later.</summary>
    /// <param name="number">The row's number, for messages.</param>
    /// <exception cref="InvalidDataException">An empty path stands before another, or pixels cannot be taken over; row and column are named.</exception>
    public HeldPicture[] Hold(long number)
    {
        _inputs.Clear();
        try
        {
            _read(number, _inputs);
        }
        catch (Exception failure) when (RowErrors.IsOfRow(failure))
        {
            throw RowErrors.Named(failure, number, RowErrors.Columns(_name));
        }

        return [.. _inputs.Select((input, i) => new HeldPicture(input, number, $"{RowErrors.Columns(_name)}, picture {i + 1}"))];
    }

    private static Action<long, List<ImageInput>> Pictures(ValueGetter<MLImage> getter)
    {
        MLImage? image = null;
        return (_, images) =>
        {
            if (UpstreamImage.Get(getter, ref image)) images.Add(new ImageInput(image, null, null));
        };
    }

    private Action<long, List<ImageInput>> Path(ValueGetter<ReadOnlyMemory<char>> getter) => (_, images) =>
    {
        ReadOnlyMemory<char> path = default;
        getter(ref path);
        if (!path.Span.IsWhiteSpace()) images.Add(FromPath(path));
    };

    private Action<long, List<ImageInput>> Paths(ValueGetter<VBuffer<ReadOnlyMemory<char>>> getter)
    {
        VBuffer<ReadOnlyMemory<char>> paths = default;
        return (number, images) =>
        {
            getter(ref paths);
            int index = 0, empty = -1;
            foreach (ReadOnlyMemory<char> path in paths.DenseValues())
            {
                index++;
                if (path.Span.IsWhiteSpace())
                {
                    if (empty < 0) empty = index;
                    continue;
                }

                if (empty > 0)
                    throw RowErrors.At(number, RowErrors.Columns(_name), $"path {empty} of {paths.Length} is empty but path {index} is not; pictures belong to <image> marks by their places, so empty paths may stand at the end only.");
                images.Add(FromPath(path));
            }
        };
    }

    private static Action<long, List<ImageInput>> Bytes(ValueGetter<VBuffer<byte>> getter)
    {
        VBuffer<byte> bytes = default;
        return (_, images) =>
        {
            getter(ref bytes);
            if (bytes.Length > 0) images.Add(new ImageInput(null, null, [.. bytes.DenseValues()]));
        };
    }

    private ImageInput FromPath(ReadOnlyMemory<char> path)
        => new(null, _folder is null ? path.ToString() : System.IO.Path.Combine(_folder, path.ToString()), null);
}
