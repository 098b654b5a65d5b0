using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>Steps of a forward pass that give the memory of their input back at once, not at the end of a scope.</summary>
/// <remarks>
/// Pictures inside a UNet or a VAE are large: what is held to the end of a block decides the peak. Under autograd the graph keeps
/// what it needs by itself.
/// </remarks>
internal static class OwnedTensor
{
    /// <summary><paramref name="step"/> of the tensor, which is disposed unless the step gave it back.</summary>
    public static Tensor Then(this Tensor owned, Func<Tensor, Tensor> step)
    {
        Tensor result = step(owned);
        if (!ReferenceEquals(result, owned)) owned.Dispose();
        return result;
    }

    /// <summary>The sum, written into <paramref name="owned"/> where nothing is differentiated.</summary>
    public static Tensor Plus(this Tensor owned, Tensor other) => is_grad_enabled() ? owned + other : owned.add_(other);

    /// <summary>The product, written into <paramref name="owned"/> where nothing is differentiated.</summary>
    public static Tensor Times(this Tensor owned, Tensor other) => is_grad_enabled() ? owned * other : owned.mul_(other);
}
