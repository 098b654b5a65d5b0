using System.Text;
using System.Text.Unicode;

namespace Microsoft.ML.MetaMorph;

/// <summary>Bytes of a data set as text.</summary>
internal static class SourceText
{
    /// <summary>The text, without a byte order mark in front.</summary>
    /// <exception cref="InvalidDataException">It is no UTF-8; the first wrong byte is named.</exception>
    public static string Decode(ReadOnlySpan<byte> bytes, string what)
    {
        RequireUtf8(bytes, what);
        return Encoding.UTF8.GetString(bytes.StartsWith(Encoding.UTF8.Preamble) ? bytes[Encoding.UTF8.Preamble.Length..] : bytes);
    }

    /// <exception cref="InvalidDataException">It is no UTF-8; the first wrong byte is named.</exception>
    public static void RequireUtf8(ReadOnlySpan<byte> bytes, string what)
    {
        if (Utf8.IsValid(bytes)) return;
        int at = 0;
        while (Rune.DecodeFromUtf8(bytes[at..], out _, out int used) == System.Buffers.OperationStatus.Done) at += used;
        throw new InvalidDataException($"byte {at + 1} of {what} (0x{bytes[at]:X2}) is not UTF-8. Save the file as UTF-8.");
    }
}
