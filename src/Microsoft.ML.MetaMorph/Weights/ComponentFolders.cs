namespace Microsoft.ML.MetaMorph;

/// <summary>Models that lie in folders of one folder, each with its configuration and weights, as diffusers stores a pipeline; several such folders can complete one another.</summary>
/// <param name="roots">The folders; the first that has a part counts.</param>
internal sealed class ComponentFolders(params IReadOnlyList<string> roots)
{
    /// <summary>The folders, for messages.</summary>
    public string Location => string.Join("', '", roots);

    /// <summary>The folder of a component; null if none of the folders holds <paramref name="config"/> of it.</summary>
    public string? Component(string component, string config = "config.json")
        => roots.Select(root => Path.Combine(root, component)).FirstOrDefault(folder => File.Exists(Path.Combine(folder, config)));

    /// <summary>The first of some files that lies directly in one of the folders; null if there is none.</summary>
    public string? Find(params ReadOnlySpan<string> names)
    {
        foreach (string root in roots)
        {
            foreach (string name in names)
            {
                string path = Path.Combine(root, name);
                if (File.Exists(path)) return path;
            }
        }
        return null;
    }
}
