using System.Reflection;

namespace Package.Tests;

/// <summary>What the build wrote into this assembly about where and what it built.</summary>
internal static class Repository
{
    public static string Root => Metadata("RepositoryRoot");

    public static string PackageId => Metadata("PackageId");

    public static string PackageVersion => Metadata("PackageVersion");

    public static string Configuration => Metadata("Configuration");

    private static string Metadata(string key)
        => typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
