namespace System.Runtime.CompilerServices;

/// <summary>
/// Makes the runtime accept this assembly's use of the members that build/Publicize.targets shows to the compiler.
/// The runtime looks the attribute up by name, so it is declared here.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly, AllowMultiple = true)]
internal sealed class IgnoresAccessChecksToAttribute(string assemblyName) : Attribute
{
    public string AssemblyName { get; } = assemblyName;
}
