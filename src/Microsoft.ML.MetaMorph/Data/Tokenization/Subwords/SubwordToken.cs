namespace Microsoft.ML.MetaMorph;

/// <summary>A token within a piece: its id, its spelling, and which of the piece's characters it covers.</summary>
internal readonly record struct SubwordToken(int Id, string Text, int Start, int Length);
