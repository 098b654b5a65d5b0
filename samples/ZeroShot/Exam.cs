using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.MetaMorph;
using Spectre.Console;

namespace ZeroShot;

/// <summary>The three ways to sort pictures by the vectors of one encoder.</summary>
internal sealed class Exam(MLContext ml, LanguageImageEncoder encoder, LabelledPictures pictures)
{
    /// <summary>Asks all three, and says how many pictures each puts where they belong.</summary>
    public void Print()
    {
        Table table = new Table().AddColumn("").AddColumn("Learned from").AddColumn(new TableColumn("Right").RightAligned());
        table.AddRow("Zero-shot", "words alone", Share(ZeroShot()));
        table.AddRow("Linear probe (SdcaMaximumEntropy)", "vectors with labels", Share(LinearProbe()));
        table.AddRow($"Clusters (KMeans, {pictures.Labels.Count})", "vectors, named by labels", Share(Clusters()));
        table.AddRow("Always the most frequent label", "nothing", Share(Guessing()));
        AnsiConsole.Write(table);
    }

    /// <summary>The label whose sentences fit best.</summary>
    private double ZeroShot()
    {
        IEstimator<ITransformer> classifier = ml.MetaMorph().ClassifyZeroShot("PredictedLabel", "Image", encoder, pictures.Labels, pictures.Templates)
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        return Right(classifier.Fit(pictures.Questions).Transform(pictures.Questions));
    }

    /// <summary>A linear classifier on vectors with labels.</summary>
    private double LinearProbe()
    {
        IEstimator<ITransformer> classifier = ml.Transforms.Conversion.MapValueToKey("Key", "Label")
            .Append(ml.MetaMorph().EmbedImages("Vector", "Image", encoder))
            .AppendCacheCheckpoint(ml)
            .Append(ml.MulticlassClassification.Trainers.SdcaMaximumEntropy("Key", "Vector"))
            .Append(ml.Transforms.Conversion.MapKeyToValue("PredictedLabel"));
        return Right(classifier.Fit(pictures.Lessons).Transform(pictures.Questions));
    }

    /// <summary>As many clusters as labels; each is given the label that most of its lessons have.</summary>
    private double Clusters()
    {
        IEstimator<ITransformer> clusters = ml.MetaMorph().EmbedImages("Vector", "Image", encoder)
            .AppendCacheCheckpoint(ml)
            .Append(ml.Clustering.Trainers.KMeans("Vector", numberOfClusters: pictures.Labels.Count));
        ITransformer found = clusters.Fit(pictures.Lessons);
        Dictionary<uint, string> names = Assigned(found.Transform(pictures.Lessons)).GroupBy(row => row.Cluster)
            .ToDictionary(cluster => cluster.Key, cluster => cluster.CountBy(row => row.Label).MaxBy(label => label.Value).Key);
        (string Label, uint Cluster)[] rows = Assigned(found.Transform(pictures.Questions));
        return rows.Count(row => names.GetValueOrDefault(row.Cluster) == row.Label) / (double)rows.Length;
    }

    /// <summary>Who always says the most frequent label.</summary>
    private double Guessing()
    {
        string[] labels = [.. pictures.Questions.GetColumn<string>("Label")];
        return labels.CountBy(label => label).Max(label => label.Value) / (double)labels.Length;
    }

    private static (string Label, uint Cluster)[] Assigned(IDataView view) => [.. view.GetColumn<string>("Label").Zip(view.GetColumn<uint>("PredictedLabel"))];

    private static double Right(IDataView view)
    {
        (string Label, string Predicted)[] rows = [.. view.GetColumn<string>("Label").Zip(view.GetColumn<string>("PredictedLabel"))];
        return rows.Count(row => row.Label == row.Predicted) / (double)rows.Length;
    }

    private static string Share(double share) => FormattableString.Invariant($"{share:P1}");
}
