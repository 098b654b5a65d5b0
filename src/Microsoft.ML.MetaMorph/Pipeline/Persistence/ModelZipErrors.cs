using System.Reflection;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// What ML.NET makes of a failure while it loads a model, brought back to what went wrong. It finds loaders by reflection, which wraps what
/// they throw, and it does not name the file that it cannot open.
/// </summary>
internal static class ModelZipErrors
{
    /// <summary>The failure as a loader threw it, through as many chains as the model has.</summary>
    public static Exception Unwrap(Exception failure)
    {
        while (failure.InnerException is { } inner && (failure is TargetInvocationException || inner is TargetInvocationException)) failure = inner;
        return failure;
    }

    /// <summary>The error for a folder in the place of a zip.</summary>
    public static ArgumentException Folder(string path, string parameter)
        => new($"'{path}' is a folder, but a model zip is expected: a file that mlContext.Model.Save wrote. Pretrained folders are opened by GenerateResponse, {nameof(ImageEncoder)}.Load, {nameof(Visualizer)}.Load and {nameof(ImageAutoencoder)}.Load.", parameter);

    /// <summary>The error for a file that is no zip, or no longer a whole one.</summary>
    public static InvalidDataException NotAZip(string path, Exception failure)
    {
        string reason = (failure.InnerException ?? failure).Message;
        return new InvalidDataException($"'{path}' cannot be opened as a model zip ({new FileInfo(path).Length} bytes): {reason} It is truncated or of another kind. {ModelZipReader.Advice}", failure);
    }
}
