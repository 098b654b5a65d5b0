using System.Text;

namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ResponseSpansTests
{
    private static readonly ConversationMessage[] TwoTurns =
    [
        new("user", "Hi"),
        new("assistant", " one \n"),
        new("user", "More"),
        new("assistant", "two"),
    ];

    [TestMethod]
    public void TheMetaMorphFormat() => Check(MetaMorphChatFormat.Render, " one \n<|eot_id|>", "two<|eot_id|>");

    [TestMethod]
    public void ATemplateThatTrims() => Check(ChatMl(trim: true), "one<|im_end|>", "two<|im_end|>");

    [TestMethod]
    public void WhiteSpaceBetweenTurnsIsNotLearned() => Check(ChatMl(trim: false), " one \n<|im_end|>", "two<|im_end|>");

    [TestMethod]
    public void ThoughtsThatATemplateAddsToTheLastTurnAreLearned() => Check(Thinking(offInPrompt: false), " one \n<|im_end|>", "<think>\n\n</think>\n\ntwo<|im_end|>");

    [TestMethod]
    public void ThoughtsThatThePromptAlreadyHoldsAreNot() => Check(Thinking(offInPrompt: true), " one \n<|im_end|>", "two<|im_end|>");

    [TestMethod]
    public void AThoughtOfTheResponsesOwnIsLearnedInPlaceOfThePrompts()
    {
        ChatRenderer render = (messages, add) =>
        {
            string text = Thinking(offInPrompt: true)(messages, add);
            return text.Replace("<think>\n\n</think>\n\n<think>", "<think>", StringComparison.Ordinal);
        };
        (string text, IReadOnlyList<Range> spans) = ResponseSpans.Render(render, [new("user", "1+1?"), new("assistant", "<think>\nhm\n</think>\n\n2")], "r");
        Assert.AreEqual("<think>\nhm\n</think>\n\n2<|im_end|>", text[spans.Single()]);
    }

    [TestMethod]
    public void ASpaceBeforeTheResponseIsLearnedWhereTheModelHasToWriteIt() => Check(Llama2, " one </s>", " two </s>");

    [TestMethod]
    public void WhiteSpaceAloneMayEndATurn() => Check(
        (messages, add) => string.Concat(messages.Select(m => $"{m.Role}:{m.Text.Trim()}\n")) + (add ? "assistant:" : ""), "one\n", "two\n");

    [TestMethod]
    public void NothingMayEndATurn() => Check((messages, add) => string.Concat(messages.Select(m => $"<{m.Role}>{m.Text.Trim()}")) + (add ? "<assistant>" : ""), "one", "two");

    /// <summary>An end mark that only the last turn has does not belong to the turns before.</summary>
    [TestMethod]
    public void AnEndMarkOfTheLastTurnOnly() => Check(
        (messages, add) => string.Concat(messages.Select(m => $"<{m.Role}>{m.Text.Trim()}")) + (add ? "<assistant>" : messages[^1].IsResponse ? "</s>" : ""), "one", "two</s>");

    /// <summary>Neither a generation prompt nor parts of a conversation: the probe alone tells.</summary>
    [TestMethod]
    public void ATemplateThatTakesWholeConversationsOnly() => Check(
        (messages, add) => messages.Count % 2 != 0 || add ? throw new ChatTemplateException("whole turns only") : ChatMl(trim: true)(messages, add), "one<|im_end|>", "two<|im_end|>");

    [TestMethod]
    public void AConversationMayBeginWithTheAssistant()
    {
        (string text, IReadOnlyList<Range> spans) = ResponseSpans.Render(ChatMl(trim: false), [new("assistant", "a"), new("user", "b"), new("assistant", "")], "r");
        CollectionAssert.AreEqual((string[])["a<|im_end|>", "<|im_end|>"], spans.Select(s => text[s]).ToArray());
    }

    [TestMethod]
    public void ResponsesThatRepeatOtherTextAreStillFoundInTheirPlace()
    {
        (string text, IReadOnlyList<Range> spans) = ResponseSpans.Render(ChatMl(trim: false), [new("user", "same"), new("assistant", "same"), new("user", "same"), new("assistant", "same")], "r");
        string prefix = "<|im_start|>user\nsame<|im_end|>\n<|im_start|>assistant\n";
        Assert.AreEqual(prefix.Length, spans[0].Start.Value);
        Assert.IsTrue(spans.All(s => text[s] == "same<|im_end|>"));
    }

    [TestMethod]
    public void ATemplateThatMakesItImpossibleIsRefused()
    {
        // Everything after a response repeats it, and so does what stands before.
        ChatRenderer echo = (messages, _) => string.Concat(messages.Select(m => m.Text)) + string.Concat(messages.Select(m => m.Text));
        string message = Assert.ThrowsExactly<InvalidDataException>(() => ResponseSpans.Render(echo, TwoTurns, "Row 17")).Message;
        StringAssert.StartsWith(message, "Row 17, message 1: the chat template");
        ChatRenderer dropping = (messages, _) => $"{messages.Count} messages";
        Assert.ThrowsExactly<InvalidDataException>(() => ResponseSpans.Render(dropping, TwoTurns, "Row 17"));
    }

    [TestMethod]
    public void WhatATemplateRefusesIsRefused()
    {
        ChatRenderer refusing = (_, _) => throw new ChatTemplateException("roles must alternate");
        Assert.AreEqual("roles must alternate", Assert.ThrowsExactly<ChatTemplateException>(() => ResponseSpans.Render(refusing, TwoTurns, "r")).Message);
    }

    private static void Check(ChatRenderer render, params string[] expected)
    {
        (string text, IReadOnlyList<Range> spans) = ResponseSpans.Render(render, TwoTurns, "r");
        CollectionAssert.AreEqual(expected, spans.Select(span => text[span]).ToArray(), text);
        Assert.AreEqual(render(TwoTurns, false), text);
    }

    private static ChatRenderer ChatMl(bool trim) => (messages, add) =>
    {
        var text = new StringBuilder();
        foreach (ConversationMessage message in messages) text.Append($"<|im_start|>{message.Role}\n{(trim ? message.Text.Trim() : message.Text)}<|im_end|>\n");
        return text.Append(add ? "<|im_start|>assistant\n" : "").ToString();
    };

    /// <summary>As Qwen 3: an empty thought before the last answer only, and in the generation prompt if thinking is off.</summary>
    private static ChatRenderer Thinking(bool offInPrompt) => (messages, add) =>
    {
        const string thought = "<think>\n\n</think>\n\n";
        int last = messages.ToList().FindLastIndex(m => m.Role == "user");
        return string.Concat(messages.Select((m, i) => $"<|im_start|>{m.Role}\n{(m.IsResponse && i > last ? thought : "")}{m.Text}<|im_end|>\n"))
            + (add ? "<|im_start|>assistant\n" + (offInPrompt ? thought : "") : "");
    };

    private static string Llama2(IReadOnlyList<ConversationMessage> messages, bool addGenerationPrompt) =>
        "<s>" + string.Concat(messages.Select(m => m.IsResponse ? $" {m.Text.Trim()} </s>" : $"[INST] {m.Text.Trim()} [/INST]"));
}
