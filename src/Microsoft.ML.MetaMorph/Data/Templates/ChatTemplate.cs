using System.Text.Json;

namespace Microsoft.ML.MetaMorph;

/// <summary>
/// The chat template of a tokenizer folder: turns messages into the text that the model was trained on. Thread-safe.
/// The rendered text already holds the begin token where the template writes one: encode it without adding special tokens.
/// </summary>
internal sealed class ChatTemplate
{
    private const string DefaultName = "default";
    private const string ToolName = "tool_use";

    private readonly Dictionary<string, JinjaTemplate> _templates;
    private readonly SpecialTokenNames _names;
    private readonly string _location;

    private ChatTemplate(Dictionary<string, JinjaTemplate> templates, SpecialTokenNames names, string location)
    {
        _templates = templates;
        _names = names;
        _location = location;
    }

    /// <summary>The file, or the option, that holds the template, for messages.</summary>
    public string Location => _location;

    /// <summary>Loads a folder's template: <c>chat_template.jinja</c>, or <c>chat_template</c> in <c>tokenizer_config.json</c> as a text or a list of named texts.</summary>
    /// <exception cref="ChatTemplateException">There is no template, or it is not well formed.</exception>
    public static ChatTemplate Load(string folder) => Read(TokenizerFiles.Read(folder));

    public static ChatTemplate Read(TokenizerFiles files)
    {
        (Dictionary<string, string> sources, string location) = Sources(files);
        if (sources.Count == 0)
        {
            throw new ChatTemplateException(
                $"The tokenizer in {files.Location} has no chat template: no {TokenizerFiles.ChatTemplate} and no 'chat_template' in {TokenizerFiles.Configuration}. "
                + $"Put the model's template there as {TokenizerFiles.ChatTemplate}, or take the tokenizer of the model's instruct version.");
        }
        var templates = new Dictionary<string, JinjaTemplate>();
        foreach ((string name, string source) in sources) templates[name] = Parse(source, location);
        return new ChatTemplate(templates, new SpecialTokenNames(files), location);
    }

    /// <summary>Renders a conversation.</summary>
    /// <param name="messages">The messages; at least one.</param>
    /// <param name="addGenerationPrompt">Whether the text ends with the beginning of an answer.</param>
    /// <param name="variables">More variables of the template, for example <c>enable_thinking</c>.</param>
    /// <param name="clock">What a template that asks for the date is told; null for the local time.</param>
    /// <exception cref="ChatTemplateException">The template refuses the conversation or fails.</exception>
    public string Render(IReadOnlyList<ConversationMessage> messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null, Func<DateTime>? clock = null) =>
        RenderValues([.. messages.Select(m => JinjaValue.From([("role", m.Role), ("content", m.Text)]))], addGenerationPrompt, variables, clock);

    /// <summary>Renders messages that hold more than a role and a text.</summary>
    public string RenderValues(List<object?> messages, bool addGenerationPrompt, IReadOnlyDictionary<string, object?>? variables = null, Func<DateTime>? clock = null)
    {
        // what transformers, which looks at the first message before it renders, says of it
        if (messages.Count == 0) throw new ChatTemplateException(_location, "a conversation without messages cannot be rendered", kind: "IndexError", reason: "list index out of range");
        var all = new Dictionary<string, object?>();
        foreach ((string role, string token) in _names.Tokens) all[role] = token;
        if (_names.Additional.Count > 0) all["additional_special_tokens"] = _names.Additional.Select(t => (object?)t).ToList();
        all["messages"] = messages;
        all["tools"] = all["documents"] = null;
        all["add_generation_prompt"] = addGenerationPrompt;
        foreach ((string name, object? value) in variables ?? new Dictionary<string, object?>()) all[name] = JinjaValue.From(value);
        try
        {
            return Choose(all["tools"] is not null).Render(all, clock);
        }
        catch (JinjaError error)
        {
            throw new ChatTemplateException(_location, error);
        }
    }

    private JinjaTemplate Choose(bool withTools)
    {
        if (withTools && _templates.TryGetValue(ToolName, out JinjaTemplate? tools)) return tools;
        return _templates.GetValueOrDefault(DefaultName) ?? throw new ChatTemplateException($"{_location}: there is no template named '{DefaultName}', only {string.Join(", ", _templates.Keys.Select(k => $"'{k}'"))}.");
    }

    private static JinjaTemplate Parse(string source, string location)
    {
        try
        {
            return JinjaTemplate.Parse(source);
        }
        catch (JinjaError error)
        {
            throw new ChatTemplateException(location, error);
        }
    }

    private static (Dictionary<string, string> Sources, string Location) Sources(TokenizerFiles files)
    {
        string? own = files.Text(TokenizerFiles.ChatTemplate);
        if (own is not null && string.IsNullOrWhiteSpace(own))
            throw new ChatTemplateException($"{files.PathOf(TokenizerFiles.ChatTemplate)}: the chat template is empty; put the model's Jinja template there, or remove the file where {TokenizerFiles.Configuration} has one.");
        if (own is not null) return (new() { [DefaultName] = own }, files.PathOf(TokenizerFiles.ChatTemplate));
        foreach (string name in new[] { TokenizerFiles.Configuration, TokenizerFiles.ChatTemplateJson })
        {
            if (files.Json(name)?.Optional("chat_template") is { } template) return (Named(template), files.PathOf(name));
        }
        return ([], files.Location);
    }

    private static Dictionary<string, string> Named(TokenizerSection template)
    {
        if (template.Element.ValueKind == JsonValueKind.String) return new() { [DefaultName] = template.AsText() };
        if (template.Element.ValueKind == JsonValueKind.Object) return template.Entries().ToDictionary(e => e.Name, e => e.Value.AsText());
        var named = new Dictionary<string, string>();
        foreach (TokenizerSection entry in template.Items()) named[entry.Text("name")] = entry.Text("template");
        return named;
    }
}
