namespace Documents;

// <captioned-picture>
public sealed class CaptionedPicture
{
    public string Image { get; set; } = "";             // a path

    public string Caption { get; set; } = "";           // "a large red circle at the top left"
}
// </captioned-picture>
