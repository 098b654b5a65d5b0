using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Decodes latents with the large resolutions cut into strips of rows: the picture of the whole decoder, to rounding, in less
/// than half of its memory.
/// </summary>
/// <remarks>
/// <para>
/// Tiles that are decoded one by one and blended, as diffusers does it, have statistics of their own in every normalisation, and so
/// other colours than the whole picture. Here a layer is computed for all strips before the next: a convolution takes the rows that
/// it needs from the neighbours, and a normalisation counts all strips. A strip is let go as soon as the next layer has read it, so
/// that about one copy of the largest activation is held instead of three.
/// </para>
/// <para>Small resolutions, with the attention over all pixels, are computed whole. No gradients flow.</para>
/// </remarks>
internal static class TiledDecoding
{
    /// <summary>The size of a strip of the largest activation.</summary>
    private const long StripBytes = 1 << 23;

    /// <summary>A resolution whose activations are smaller is computed whole.</summary>
    private const long WholeBytes = 1 << 26;

    /// <summary>Latents <c>[b, c, h, w]</c> → pictures <c>[b, 3, s·h, s·w]</c>.</summary>
    /// <param name="decoder">The decoder.</param>
    /// <param name="latents">As the decoder takes them.</param>
    /// <param name="stripCount">The number of strips, and every resolution is cut; null decides by size.</param>
    public static Tensor Decode(AutoencoderDecoder decoder, Tensor latents, int? stripCount = null)
    {
        using var mode = no_grad();
        using var scope = NewDisposeScope();
        Tensor hidden = decoder.Enter(latents);
        int first = 0;
        while (stripCount is null && first < decoder.Blocks.Count && Bytes(decoder.Blocks[first], hidden) <= WholeBytes)
        {
            hidden = AutoencoderDecoder.Forward(decoder.Blocks[first++], hidden);
        }
        DiffusionBlock[] large = [.. decoder.Blocks.Skip(first)];
        Tensor[] strips = Cut(hidden, stripCount ?? Count(large, hidden));
        foreach (DiffusionBlock block in large)
        {
            foreach (ResnetBlock2D resnet in block.Resnets) strips = Forward(resnet, strips);
            if (block.Upsampler is { } upsampler) strips = Forward(upsampler, strips);
        }
        (Tensor scale, Tensor shift) = Normalization(decoder.OutputNorm, strips);
        Tensor[] pixels = Convolve(decoder.Output, strips.Length, i => strips[i].Then(s => Activate(s, scale, shift, AutoencoderDecoder.OutputActivation)));
        return cat(pixels, 2).MoveToOuterDisposeScope();
    }

    private static Tensor[] Forward(ResnetBlock2D block, Tensor[] strips)
    {
        (Tensor scale, Tensor shift) = Normalization(block.FirstNorm, strips);
        var shortcuts = new Tensor[strips.Length];
        Tensor[] hidden = Convolve(block.FirstConvolution, strips.Length, i =>
        {
            Tensor activated = Activate(strips[i], scale, shift, block.Activation);
            shortcuts[i] = block.Shortcut is null ? strips[i] : strips[i].Then(block.Shortcut.forward);
            return activated;
        });
        (Tensor secondScale, Tensor secondShift) = Normalization(block.SecondNorm, hidden);
        return Convolve(block.SecondConvolution, strips.Length, i => hidden[i].Then(h => Activate(h, secondScale, secondShift, block.Activation)), (i, result) =>
        {
            result.add_(shortcuts[i]);
            shortcuts[i].Dispose();
            return block.OutputScale == 1 ? result : result.div_(block.OutputScale);
        });
    }

    private static Tensor[] Forward(Upsample2D upsampler, Tensor[] strips)
        => Convolve(upsampler.Convolution, strips.Length, i => strips[i].Then(s => Upsample2D.Repeat(s, 2 * s.size(2), 2 * s.size(3))));

    /// <summary>A convolution of the whole picture. Each strip is prepared once, and its outer rows are lent to its neighbours.</summary>
    /// <param name="convolution">Keeps the size.</param>
    /// <param name="count">The number of strips.</param>
    /// <param name="prepare">Gives the input's strip of a number, which it is asked for in order.</param>
    /// <param name="finish">Changes a strip of the result.</param>
    private static Tensor[] Convolve(Conv2d convolution, int count, Func<int, Tensor> prepare, Func<int, Tensor, Tensor>? finish = null)
    {
        var results = new Tensor[count];
        long halo = convolution.Padding;
        Tensor strip = prepare(0);
        Tensor? above = null;
        for (int i = 0; i < count; i++)
        {
            Tensor? below = i + 1 < count ? prepare(i + 1) : null;
            Tensor result = WithNeighbours(strip, above, below, halo).Then(joined => convolution.Convolve(joined, 0, halo));
            results[i] = finish is null ? result : finish(i, result);
            above?.Dispose();
            above = Rows(strip, strip.size(2) - halo, halo);
            strip.Dispose();
            strip = below!;
            // A strip rarely fits into the hole that another one left: after each one, or the holes take as much as the strips.
            AutoencoderDecoder.ReleaseBefore(count * result.numel());
        }
        above?.Dispose();
        return results;
    }

    /// <summary>The strip with the rows beside it; zeros beyond the picture.</summary>
    private static Tensor WithNeighbours(Tensor strip, Tensor? above, Tensor? below, long halo)
    {
        using var scope = NewDisposeScope();
        Tensor nothing = zeros_like(Rows(strip, 0, halo));
        return cat([above ?? nothing, strip, below is null ? nothing : below.narrow(2, 0, halo)], 2).MoveToOuterDisposeScope();
    }

    // A copy: a view would keep the whole strip in memory.
    private static Tensor Rows(Tensor strip, long first, long count)
    {
        using var scope = NewDisposeScope();
        return strip.narrow(2, first, count).clone().MoveToOuterDisposeScope();
    }

    private static Tensor Activate(Tensor strip, Tensor scale, Tensor shift, HiddenActivation activation)
    {
        using var scope = NewDisposeScope();
        return activation.Apply(strip.mul(scale).add_(shift)).MoveToOuterDisposeScope();
    }

    /// <summary>The normalisation over all strips as a factor and a summand for each channel, <c>[b, c, 1, 1]</c>.</summary>
    /// <remarks>Squares are taken around each strip's own mean and joined in double precision, so nothing cancels.</remarks>
    private static (Tensor Scale, Tensor Shift) Normalization(GroupNorm norm, Tensor[] strips)
    {
        using var scope = NewDisposeScope();
        long batch = strips[0].size(0), channels = strips[0].size(1);
        Tensor counts = tensor(strips.Select(s => (double)(s.size(2) * s.size(3))).ToArray(), device: strips[0].device).view(-1, 1, 1, 1);
        (Tensor Mean, Tensor Squares)[] parts = [.. strips.Select(Moments)];
        Tensor means = Grouped(parts.Select(p => p.Mean)), squares = Grouped(parts.Select(p => p.Squares));
        Tensor total = counts.sum() * (channels / norm.Groups);
        Tensor mean = (means * counts).sum([0, 3], keepdim: true) / total;
        Tensor variance = (squares + (means - mean).square() * counts).sum([0, 3], keepdim: true) / total;
        Tensor scale = norm.Weight.to(ScalarType.Float64).view(norm.Groups, -1) * (variance + norm.Epsilon).rsqrt();
        Tensor shift = norm.Bias.to(ScalarType.Float64).view(norm.Groups, -1) - mean * scale;
        return (Float(scale), Float(shift));

        Tensor Grouped(IEnumerable<Tensor> values) => stack(values, 0).to(ScalarType.Float64).view(strips.Length, batch, norm.Groups, -1);
        Tensor Float(Tensor values) => values.to(ScalarType.Float32).reshape(batch, channels, 1, 1).MoveToOuterDisposeScope();
    }

    /// <summary>A strip's mean, and the sum of squares around it, of each channel, <c>[b, c]</c>.</summary>
    private static (Tensor Mean, Tensor Squares) Moments(Tensor strip)
    {
        using var scope = NewDisposeScope();
        Tensor mean = strip.mean([2, 3], keepdim: true);
        Tensor centred = strip.sub(mean);
        Tensor squares = centred.mul_(centred).sum([2, 3]);
        return (mean.flatten(1).MoveToOuterDisposeScope(), squares.MoveToOuterDisposeScope());
    }

    private static Tensor[] Cut(Tensor picture, int count)
    {
        using var scope = NewDisposeScope();
        long rows = picture.size(2);
        var strips = new Tensor[Math.Clamp(count, 1, rows)];
        for (int i = 0; i < strips.Length; i++)
        {
            long first = i * rows / strips.Length, end = (i + 1) * rows / strips.Length;
            strips[i] = Rows(picture, first, end - first).MoveToOuterDisposeScope();
        }
        picture.Dispose();
        return strips;
    }

    private static int Count(DiffusionBlock[] blocks, Tensor hidden)
    {
        long largest = 0, pixels = hidden.size(0) * hidden.size(2) * hidden.size(3);
        foreach (DiffusionBlock block in blocks)
        {
            if (block.Upsampler is not null) pixels *= 4;
            largest = Math.Max(largest, Channels(block) * pixels * sizeof(float));
        }
        return (int)Math.Min(int.MaxValue, largest / StripBytes + 1);
    }

    private static long Bytes(DiffusionBlock block, Tensor input)
        => Channels(block) * input.size(0) * input.size(2) * input.size(3) * (block.Upsampler is null ? 1 : 4) * sizeof(float);

    private static long Channels(DiffusionBlock block) => block.Resnets.Max(r => Math.Max(r.FirstConvolution.InputChannels, r.FirstConvolution.OutputChannels));
}
