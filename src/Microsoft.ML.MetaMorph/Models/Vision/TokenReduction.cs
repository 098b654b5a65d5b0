using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace Microsoft.ML.MetaMorph;

/// <summary>Reduces a grid of patches to a square of visual tokens: bilinear, align_corners = false, no antialiasing, in float32.</summary>
internal static class TokenReduction
{
    private static readonly Dictionary<string, TokenReductionKind> Names = new()
    {
        ["none"] = TokenReductionKind.None,
        ["interpolation"] = TokenReductionKind.Interpolation,
        ["concat_interpolation"] = TokenReductionKind.ConcatInterpolation,
    };

    /// <summary>The kind under its published name.</summary>
    /// <exception cref="NotSupportedException">The name is another one, such as <c>mlpmixer</c>.</exception>
    public static TokenReductionKind Named(string name) => Names.TryGetValue(name, out TokenReductionKind kind)
        ? kind
        : throw new NotSupportedException($"The token reduction \"{name}\" (image_token_reduction) is not supported. Supported: {string.Join(", ", Names.Keys)}.");

    /// <summary>The published name of a kind.</summary>
    public static string NameOf(TokenReductionKind kind) => Names.First(pair => pair.Value == kind).Key;

    /// <summary>The width of a token for patches of <paramref name="width"/>.</summary>
    public static int TokenWidth(TokenReductionKind kind, int width) => kind == TokenReductionKind.ConcatInterpolation ? 4 * width : width;

    /// <summary><c>[b, s·s, d]</c> → <c>[b, count, d or 4d]</c>, in the element type given.</summary>
    /// <exception cref="ArgumentException">A number of patches or tokens is no square, or <see cref="TokenReductionKind.None"/> should change the number.</exception>
    public static Tensor Reduce(TokenReductionKind kind, Tensor features, int count) => kind switch
    {
        TokenReductionKind.Interpolation => Interpolate(features, count),
        TokenReductionKind.ConcatInterpolation => ConcatInterpolate(features, count),
        _ when features.size(1) == count => features.alias(),
        _ => throw new ArgumentException($"Without a token reduction there are as many tokens as patches: {features.size(1)}, not {count}.", nameof(count)),
    };

    /// <summary>
    /// <c>[b, rows·columns, d]</c> → <c>[b, count, d or 4d]</c> for pictures that keep their shape: the whole grid, whatever its sides, is
    /// stretched to a square one.
    /// </summary>
    /// <exception cref="ArgumentException">The tokens form no square, or <see cref="TokenReductionKind.None"/> is asked for: pictures of unlike grids have unlike numbers of patches.</exception>
    public static Tensor Reduce(TokenReductionKind kind, Tensor features, PatchGrid grid, int count) => kind switch
    {
        TokenReductionKind.Interpolation => Interpolate(features, grid, count),
        TokenReductionKind.ConcatInterpolation => Concatenate(Interpolate(features, grid, 4 * count), count),
        _ => throw new ArgumentException("Pictures that keep their shape have unlike numbers of patches; without a token reduction they have no common number of tokens.", nameof(kind)),
    };

    /// <summary><c>[b, s·s, d]</c> → <c>[b, count, d]</c>, the rows of the grid first. An equal number gives the input.</summary>
    /// <exception cref="ArgumentException">A number of patches or tokens is no square.</exception>
    public static Tensor Interpolate(Tensor features, int count)
    {
        if (features.dim() != 3) throw new ArgumentException($"Features of the shape [{string.Join(", ", features.shape)}] were given; [pictures, patches, width] is needed.", nameof(features));
        if (features.size(1) == count) return features.alias();
        int side = Side(features.size(1), "patches");
        return Interpolate(features, new PatchGrid(side, side), count);
    }

    /// <summary><c>[b, rows·columns, d]</c> → <c>[b, count, d]</c>, the rows of the grid first.</summary>
    /// <exception cref="ArgumentException">The tokens form no square, or the features are not of that grid.</exception>
    public static Tensor Interpolate(Tensor features, PatchGrid grid, int count)
    {
        if (features.dim() != 3 || features.size(1) != grid.Count)
            throw new ArgumentException($"Features of the shape [{string.Join(", ", features.shape)}] were given; [pictures, {grid.Rows} x {grid.Columns} = {grid.Count} patches, width] is needed.", nameof(features));
        using var scope = NewDisposeScope();
        long target = Side(count, "tokens"), batch = features.size(0), width = features.size(2);
        // Seen as channels-last, so nothing is moved: the last dimension stays the fastest from here to the result.
        Tensor patches = features.to(ScalarType.Float32).view(batch, grid.Rows, grid.Columns, width).permute(0, 3, 1, 2);
        Tensor reduced = Bilinear(patches, target, target).permute(0, 2, 3, 1).reshape(batch, count, width);
        return reduced.to(features.dtype).MoveToOuterDisposeScope();
    }

    /// <summary><c>[b, s·s, d]</c> → <c>[b, count, 4d]</c>: interpolated to 4·count, then upper left, upper right, lower left and lower right joined.</summary>
    /// <exception cref="ArgumentException">A number of patches or tokens is no square.</exception>
    public static Tensor ConcatInterpolate(Tensor features, int count) => Concatenate(Interpolate(features, 4 * count), count);

    /// <summary><c>[b, c, h, w]</c> resized to <c>[b, c, height, width]</c>.</summary>
    /// <param name="grid">Float32.</param>
    /// <param name="height">Rows of the result.</param>
    /// <param name="width">Columns of the result.</param>
    /// <param name="antialias">Averages over the source when it shrinks (SigLIP 2's position table; never the visual tokens).</param>
    public static Tensor Bilinear(Tensor grid, long height, long width, bool antialias = false)
        => F.interpolate(grid, size: [height, width], mode: InterpolationMode.Bilinear, align_corners: false, antialias: antialias);

    // Takes the fine tokens over.
    private static Tensor Concatenate(Tensor fine, int count)
    {
        using var scope = NewDisposeScope();
        using Tensor owned = fine;
        long side = Side(count, "tokens"), width = fine.size(2);
        return fine.view(-1, side, 2, side, 2, width).permute(0, 1, 3, 2, 4, 5).reshape(-1, count, 4 * width).MoveToOuterDisposeScope();
    }

    private static int Side(long count, string what)
        => SquareGrid.SideOf(count) ?? throw new ArgumentException($"{count} {what} form no square grid; token reduction needs square numbers (1, 4, 16, 64, 256, …).");
}
