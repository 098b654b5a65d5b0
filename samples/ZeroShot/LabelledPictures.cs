using Microsoft.ML;

namespace ZeroShot;

/// <summary>Pictures with labels, in the columns Image and Label.</summary>
/// <param name="Lessons">What the linear probe and the clusters learn from.</param>
/// <param name="Questions">What all three are asked.</param>
/// <param name="Labels">All labels.</param>
/// <param name="Templates">Sentences that ask for a label.</param>
internal sealed record LabelledPictures(IDataView Lessons, IDataView Questions, IReadOnlyList<string> Labels, IReadOnlyList<string> Templates);
