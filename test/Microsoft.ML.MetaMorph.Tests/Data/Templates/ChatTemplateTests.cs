namespace Microsoft.ML.MetaMorph.Tests;

[TestClass]
public sealed class ChatTemplateTests
{
    private static readonly ConversationMessage[] Hello = [new("user", "Hi")];

    [TestMethod]
    public void AMissingTemplateSaysWhatToDo()
    {
        using var folder = new TokenizerFolder(TokenizerFolder.Small().ToJsonString(), "{}");
        ChatTemplateException error = Assert.ThrowsExactly<ChatTemplateException>(() => LanguageTokenizer.Load(folder.Path).ReadChatTemplate());
        StringAssert.Contains(error.Message, folder.Path);
        StringAssert.Contains(error.Message, "chat_template.jinja");
    }

    [TestMethod]
    public void TheFileGoesBeforeTheConfiguration()
    {
        using var folder = new TokenizerFolder(null, """{ "chat_template": "from the configuration" }""");
        Assert.AreEqual("from the configuration", ChatTemplate.Load(folder.Path).Render(Hello, false));
        folder.Write("chat_template.jinja", "from the file\n");
        Assert.AreEqual("from the file", ChatTemplate.Load(folder.Path).Render(Hello, false));
    }

    [TestMethod]
    public void NamedTemplatesServeToolsAndTheDefault()
    {
        using var folder = new TokenizerFolder(null, """{ "chat_template": [{ "name": "default", "template": "plain" }, { "name": "tool_use", "template": "{{ tools | length }} tools" }] }""");
        ChatTemplate template = ChatTemplate.Load(folder.Path);
        Assert.AreEqual("plain", template.Render(Hello, false));
        Assert.AreEqual("1 tools", template.Render(Hello, false, new Dictionary<string, object?> { ["tools"] = new object?[] { "t" } }));
        using var odd = new TokenizerFolder(null, """{ "chat_template": [{ "name": "rag", "template": "x" }] }""");
        StringAssert.Contains(Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Load(odd.Path).Render(Hello, false)).Message, "'rag'");
    }

    [TestMethod]
    public void AnErrorNamesTheFileAndTheLine()
    {
        using var folder = new TokenizerFolder();
        folder.Write("chat_template.jinja", "a\n{{ raise_exception('no images here') }}");
        ChatTemplateException error = Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Load(folder.Path).Render(Hello, false));
        StringAssert.Contains(error.Message, "chat_template.jinja, line 2");
        Assert.AreEqual("TemplateError", error.Kind);
        Assert.AreEqual("no images here", error.Reason);
        folder.Write("chat_template.jinja", "{% for %}");
        Assert.AreEqual("TemplateSyntaxError", Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Load(folder.Path)).Kind);
    }

    [TestMethod]
    public void TheClockIsTheCallers()
    {
        using var folder = new TokenizerFolder(null, """{ "chat_template": "{{ strftime_now('%d %b %Y %H:%M %-d') }}" }""");
        Assert.AreEqual("05 Jul 2024 07:08 5", ChatTemplate.Load(folder.Path).Render(Hello, false, clock: () => new DateTime(2024, 7, 5, 7, 8, 9)));
    }

    [TestMethod]
    public void AConversationWithoutMessagesIsRefused()
    {
        using var folder = new TokenizerFolder(null, """{ "chat_template": "x" }""");
        Assert.ThrowsExactly<ChatTemplateException>(() => ChatTemplate.Load(folder.Path).Render([], true));
    }

    [TestMethod]
    public void VariablesOfUnknownTypesAreRefused()
    {
        using var folder = new TokenizerFolder(null, """{ "chat_template": "{{ q }}" }""");
        ChatTemplate template = ChatTemplate.Load(folder.Path);
        Assert.AreEqual("[1, 2.5, 'x', {'k': None}]", template.Render(Hello, false, new Dictionary<string, object?> { ["q"] = new object?[] { 1, 2.5f, "x", new Dictionary<string, object?> { ["k"] = null } } }));
        Assert.ThrowsExactly<ArgumentException>(() => template.Render(Hello, false, new Dictionary<string, object?> { ["q"] = new Version(1, 2) }));
    }
}
