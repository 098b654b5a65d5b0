using System.Globalization;
using OxyPlot;
using OxyPlot.Axes;
using OxyPlot.Legends;
using OxyPlot.Series;
using OxyPlot.SkiaSharp;

namespace FineTune;

/// <summary>The losses of a training over its steps as a picture, out of the <c>steps.csv</c> that the trainers write.</summary>
internal static class LossCurves
{
    private const int Width = 960, Height = 540;
    private const string PictureColumn = "visual_loss";

    private static readonly (string Column, string Title)[] Curves = [("loss", "whole loss"), ("language_loss", "words: cross-entropy"), (PictureColumn, "pictures: minus cosine"), ("validation_loss", "validation")];

    /// <param name="logs">The folder of <c>steps.csv</c>.</param>
    /// <param name="file">The PNG file.</param>
    /// <param name="title">Its heading.</param>
    public static void Write(string logs, string file, string title)
    {
        string[][] lines = [.. File.ReadLines(Path.Combine(logs, "steps.csv")).Select(line => line.Split(','))];
        var plot = new PlotModel { Title = title, Background = OxyColors.White };
        plot.Legends.Add(new Legend { LegendPosition = LegendPosition.RightTop });
        plot.Axes.Add(new LinearAxis { Position = AxisPosition.Bottom, Title = "step", MajorGridlineStyle = LineStyle.Dot });
        plot.Axes.Add(new LinearAxis { Position = AxisPosition.Left, Title = "loss", MajorGridlineStyle = LineStyle.Dot });
        foreach ((string column, string name) in Curves)
        {
            LineSeries curve = Curve(lines, column, name);
            if (curve.Points.All(point => point.Y == 0)) continue;      // a part that the training does not have
            plot.Series.Add(curve);
            if (column == PictureColumn) PutOnTheRight(plot, curve, name);
        }

        using FileStream stream = File.Create(file);
        new PngExporter { Width = Width, Height = Height, UseTextShaping = false }.Export(plot, stream);
    }

    /// <summary>A cosine beside losses many times as large would be a straight line.</summary>
    private static void PutOnTheRight(PlotModel plot, LineSeries curve, string title)
    {
        plot.Axes.Add(new LinearAxis { Key = PictureColumn, Position = AxisPosition.Right, Title = title });
        curve.YAxisKey = PictureColumn;
    }

    private static LineSeries Curve(string[][] lines, string column, string title)
    {
        var curve = new LineSeries { Title = title };
        int index = Array.IndexOf(lines[0], column);
        foreach (string[] line in lines.Skip(1).Where(line => line[index].Length > 0)) curve.Points.Add(new DataPoint(Number(line[0]), Number(line[index])));
        return curve;
    }

    private static double Number(string text) => double.Parse(text, NumberStyles.Float, CultureInfo.InvariantCulture);
}
