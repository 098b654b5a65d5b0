namespace Microsoft.ML.MetaMorph;

/// <summary>What a transformer saves beside its model. The file can be edited by hand, so it is checked like options are.</summary>
internal interface ISavedSettings
{
    /// <summary>Checks every value.</summary>
    /// <exception cref="ArgumentException">A value is out of range; it is named as in the file.</exception>
    void Validate();
}
