using Microsoft.ML.MetaMorph;

namespace Documents;

/// <summary>Answers as they come, for chats and services.</summary>
public static class Streaming
{
    public static async Task<GeneratedResponse> Stream(MetaMorphTransformer model, float[] visualTokens, TextWriter screen, CancellationToken stop)
    {
        GeneratedResponse? answer = null;
        // <streaming>
        await using MetaMorphResponder responder = model.CreateResponder();
        await foreach (ResponseUpdate update in responder.StreamAsync("<image>What is on the table?", visualTokens, cancellationToken: stop))
        {
            screen.Write(update.Text);                                                          // "<image>" where a picture is whole
            if (update.Kind == ResponseUpdateKind.Finished) answer = update.Response;           // also after a cancel: with what was made
        }
        // </streaming>
        return answer!;
    }

    public static async Task<GeneratedResponse> Converse(MetaMorphResponder responder, float[] visualTokens)
    {
        // <conversation>
        var conversation = new List<ConversationMessage>
        {
            ConversationMessage.System("Answer in one sentence."),
            ConversationMessage.User("<image>What is on the table?", visualTokens),
        };
        GeneratedResponse answer = await responder.RespondAsync(conversation);
        conversation.Add(answer.ToMessage());                                                   // its text and its pictures
        conversation.Add(ConversationMessage.User("Draw it in red."));
        GeneratedResponse drawn = await responder.RespondAsync(conversation, new GenerationOptions { BeginWithImage = true });
        // </conversation>
        return drawn;
    }
}
