using System.Numerics;

namespace Microsoft.ML.MetaMorph;

/// <summary>The parts of an autoencoder's loss, each unweighted and a mean over pictures (or a sum, while they are added up).</summary>
/// <param name="Total">All parts weighted.</param>
/// <param name="SquaredError">Of values from −1 to 1.</param>
/// <param name="AbsoluteError">Of values from −1 to 1.</param>
/// <param name="Divergence">From the standard normal distribution, in nats, summed over a picture's latent.</param>
internal readonly record struct AutoencoderLosses(double Total, double SquaredError, double AbsoluteError, double Divergence)
    : IAdditionOperators<AutoencoderLosses, AutoencoderLosses, AutoencoderLosses>, IDivisionOperators<AutoencoderLosses, double, AutoencoderLosses>
{
    public static AutoencoderLosses operator +(AutoencoderLosses a, AutoencoderLosses b)
        => new(a.Total + b.Total, a.SquaredError + b.SquaredError, a.AbsoluteError + b.AbsoluteError, a.Divergence + b.Divergence);

    public static AutoencoderLosses operator /(AutoencoderLosses sum, double count)
        => new(sum.Total / count, sum.SquaredError / count, sum.AbsoluteError / count, sum.Divergence / count);

    public override string ToString()
        => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"loss {Total:F4} (squared error {SquaredError:F4}, absolute error {AbsoluteError:F4}, divergence {Divergence:F1})");
}
