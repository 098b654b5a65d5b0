using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// Where the parameters of a module come from: fresh random values, the <c>meta</c> device (names and shapes only), or a file.
/// A module asks for its parameters by name while it is constructed, so nothing is initialised only to be overwritten, no tensor
/// appears on a device that the caller did not choose, and a missing or misshapen tensor is named in full.
/// </summary>
internal abstract class ParameterSource
{
    /// <summary>The device of every parameter and buffer.</summary>
    public abstract Device Device { get; }

    /// <summary>The prefix of the names, with its trailing dot; empty at the root.</summary>
    public virtual string Prefix => "";

    /// <summary>Gives the parameter <paramref name="name"/> (relative to <see cref="Prefix"/>).</summary>
    /// <exception cref="InvalidDataException">A file lacks it or holds another shape.</exception>
    public abstract Parameter Get(string name, long[] shape, Initialization initialization);

    /// <summary>Whether the parameter exists; fresh sources have every parameter that is asked for.</summary>
    public abstract bool Has(string name);

    /// <summary>The source of a child module.</summary>
    public ParameterSource this[string child] => new Scoped(this, child + ".");

    /// <summary>The source of the child module with that number in a list.</summary>
    public ParameterSource this[int child] => this[child.ToString(System.Globalization.CultureInfo.InvariantCulture)];

    private sealed class Scoped(ParameterSource parent, string scope) : ParameterSource
    {
        public override Device Device => parent.Device;

        public override string Prefix => parent.Prefix + scope;

        public override Parameter Get(string name, long[] shape, Initialization initialization) => parent.Get(scope + name, shape, initialization);

        public override bool Has(string name) => parent.Has(scope + name);
    }
}

/// <summary>How a fresh parameter starts.</summary>
/// <param name="Kind">The distribution.</param>
/// <param name="Scale">Standard deviation, half-width or constant, by <paramref name="Kind"/>.</param>
internal readonly record struct Initialization(InitializationKind Kind, double Scale)
{
    public static Initialization Zeros { get; } = new(InitializationKind.Constant, 0);

    public static Initialization Ones { get; } = new(InitializationKind.Constant, 1);

    public static Initialization Constant(double value) => new(InitializationKind.Constant, value);

    public static Initialization Normal(double deviation) => new(InitializationKind.Normal, deviation);

    public static Initialization Uniform(double bound) => new(InitializationKind.Uniform, bound);
}

/// <summary>The distribution of a fresh parameter.</summary>
internal enum InitializationKind
{
    Constant,
    Normal,
    Uniform,
}
