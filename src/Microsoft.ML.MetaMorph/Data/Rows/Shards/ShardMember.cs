namespace Microsoft.ML.MetaMorph;

/// <summary>One member of a shard. Its bytes stay in the shard until somebody asks for them, or are here if they are text.</summary>
/// <param name="Key">The name up to the first dot behind the last slash: what the members of a row share.</param>
/// <param name="Extension">The rest, in small letters, without the dot.</param>
/// <param name="Name">The whole name.</param>
/// <param name="Number">Its place among the members, counted from 1.</param>
/// <param name="Offset">Where its bytes begin in the shard.</param>
/// <param name="Length">How many there are.</param>
/// <param name="Text">The bytes of a text member; null of others.</param>
/// <param name="Problem">Why it cannot be used; null where it can.</param>
internal sealed record ShardMember(string Key, string Extension, string Name, long Number, long Offset, long Length, byte[]? Text, string? Problem);
