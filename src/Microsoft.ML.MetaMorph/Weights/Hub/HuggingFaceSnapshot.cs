namespace Microsoft.ML.MetaMorph;

/// <summary>One commit of a model in the local cache.</summary>
/// <param name="Model"><c>org/name</c>.</param>
/// <param name="Commit">The commit that the revision stood for.</param>
/// <param name="Folder">The folder that holds the files, to be given wherever a pretrained folder is asked for.</param>
/// <param name="Files">The files that were asked for, as the hub names them; all of them are in the folder.</param>
/// <param name="LeftOut">The other files of the model, which were not fetched, and why. Empty where the hub was not asked.</param>
public sealed record HuggingFaceSnapshot(string Model, string Commit, string Folder, IReadOnlyList<string> Files, IReadOnlyList<HuggingFaceOmission> LeftOut);

/// <summary>A file of a model that was not fetched.</summary>
/// <param name="Name">The file, as the hub names it.</param>
/// <param name="Reason">Why it was not fetched.</param>
public sealed record HuggingFaceOmission(string Name, string Reason);
