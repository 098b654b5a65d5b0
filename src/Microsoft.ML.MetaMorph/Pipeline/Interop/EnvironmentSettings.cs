namespace Microsoft.ML.MetaMorph;

/// <summary>What a user sets on the <see cref="MLContext"/> and we honour.</summary>
/// <param name="Seed">The seed of everything random; null for a different result every time.</param>
/// <param name="GpuDeviceId">The number of the GPU to compute on; null for the CPU.</param>
/// <param name="FallbackToCpu">Whether a missing GPU means the CPU (true) or an error (false).</param>
/// <param name="TemporaryFolder">Where temporary files are made.</param>
internal readonly record struct EnvironmentSettings(int? Seed, int? GpuDeviceId, bool FallbackToCpu, string TemporaryFolder);
