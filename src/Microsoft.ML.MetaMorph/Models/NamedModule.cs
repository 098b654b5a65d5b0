using static TorchSharp.torch;

namespace Microsoft.ML.MetaMorph;

/// <summary>A module that holds exactly what it registers.</summary>
/// <remarks>
/// TorchSharp registers every field of a child module by reflection when the child is added to a parent: backing fields of
/// properties would appear twice in <c>state_dict</c> and tables would become buffers. Here that search is switched off.
/// </remarks>
internal abstract class NamedModule(string name) : nn.Module(name)
{
    protected override void RegisterComponents()
    {
    }
}

/// <summary>A module with one input and one output that holds exactly what it registers (see <see cref="NamedModule"/>).</summary>
internal abstract class NamedLayer(string name) : nn.Module<Tensor, Tensor>(name)
{
    protected override void RegisterComponents()
    {
    }
}
