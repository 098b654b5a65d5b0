namespace Microsoft.ML.MetaMorph;

/// <summary>Where Metaspace puts its leading ▁.</summary>
internal enum PrependScheme
{
    Never,
    First,
    Always,
}
