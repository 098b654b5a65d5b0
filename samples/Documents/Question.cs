namespace Documents;

// <question>
public sealed class Question
{
    public string Prompt { get; set; } = "";            // "<image>What is on the table?", "Draw a red circle."

    public string? Response { get; set; }               // what is to be learned: "a vase", "Here it is: <image>"

    public string? PromptImage { get; set; }            // a path; null where the prompt has no <image>

    public string? ResponseImage { get; set; }          // a path; null where the response has no <image>
}
// </question>
