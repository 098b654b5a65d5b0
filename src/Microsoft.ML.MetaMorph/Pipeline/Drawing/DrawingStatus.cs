using Microsoft.ML.Data;

namespace Microsoft.ML.MetaMorph;

/// <summary>How far a drawing is; reported after every step, on the thread that draws.</summary>
/// <param name="FirstPicture">The first of the pictures that are drawn now, counted over the batch of rows in the order of drawing, from 0: pictures from noise and pictures that start from one are drawn apart, and so are those with and without negative tokens.</param>
/// <param name="Pictures">How many are drawn together.</param>
/// <param name="Step">Steps done, from 1.</param>
/// <param name="Steps">Steps in all: those that were asked for, one more with PNDM (51 for 50), which takes its first step twice, or nine more where it begins with Runge–Kutta steps, and the share of <see cref="ImageGenerationOptions.Strength"/> where the drawing starts from a picture.</param>
/// <param name="Preview">Gives the pictures as they would be if this step were the last. To be called while the report is handled, before <see cref="IProgress{T}.Report"/> returns; later it throws an <see cref="InvalidOperationException"/>, for the drawing has gone on. <see cref="System.Progress{T}"/> hands reports on to be handled later: implement <see cref="IProgress{T}"/> instead. Costs a decoding. The pictures are the caller's to dispose.</param>
public sealed record DrawingStatus(int FirstPicture, int Pictures, int Step, int Steps, Func<IReadOnlyList<MLImage>> Preview);
