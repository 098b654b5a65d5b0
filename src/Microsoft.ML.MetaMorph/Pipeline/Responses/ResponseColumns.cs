namespace Microsoft.ML.MetaMorph;

/// <summary>The columns of prompts and responses, and how responses are made; shared by the options that need them.</summary>
public abstract class ResponseColumns
{
    private protected ResponseColumns()
    {
    }

    /// <summary>Prompts: text (one turn) or a vector of text (several). <c>&lt;image&gt;</c> marks where a picture stands.</summary>
    public string PromptColumnName { get; set; } = DefaultColumnNames.Prompt;

    /// <summary>Responses: text or a vector of text, as the prompts. They are learned by training, and give the earlier answers where a prompt of several turns is answered. Null: there are none.</summary>
    public string? ResponseColumnName { get; set; } = DefaultColumnNames.Response;

    /// <summary>Visual tokens [pictures, N, D]: the pictures of the prompts in the order of their marks, then those of the responses. Null: no row has pictures; a new model is then made for those of the paper's encoder (64 tokens, each 1,152 wide).</summary>
    public string? VisualTokensColumnName { get; set; } = DefaultColumnNames.VisualTokens;

    /// <summary>
    /// Visual tokens [pictures, N, D] of the responses alone, in the order of their marks; <see cref="VisualTokensColumnName"/> then holds those of the
    /// prompts alone, and a row in which either lacks a picture, or has one without a mark, is an error. It is read by training, and for the earlier
    /// answers of a prompt of several turns. Null (default): the pictures of prompts and responses stand in one column, where a prompt that has some
    /// pictures, but too few, is answered from and trained with the response's.
    /// </summary>
    public string? ResponseVisualTokensColumnName { get; set; }

    /// <summary>The column of response texts that is appended, with <c>&lt;image&gt;</c> where a picture stands.</summary>
    public string OutputColumnName { get; set; } = DefaultColumnNames.PredictedResponse;

    /// <summary>The column of the responses' visual tokens that is appended. Null: none.</summary>
    public string? OutputVisualTokensColumnName { get; set; } = DefaultColumnNames.ResponseVisualTokens;

    /// <summary>A column that says why a row could not be answered, empty where it could. Null (default): such a row throws.</summary>
    public string? ErrorColumnName { get; set; }

    /// <summary>A column with the log-probability of every text token of the response. Null (default): none.</summary>
    public string? LogProbabilityColumnName { get; set; }

    /// <summary>A system message before every conversation. Null (default): none.</summary>
    public string? SystemMessage { get; set; }

    /// <summary>How responses are made. Default: greedy, at most 512 positions.</summary>
    public GenerationOptions Generation { get; set; } = new();

    /// <summary>Rows that are answered at a time, 1 to 65,536. Default: 8.</summary>
    public int GenerationBatchSize { get; set; } = 8;

    internal MetaMorphSettings ToSettings(Precision precision)
    {
        var settings = new MetaMorphSettings
        {
            PromptColumnName = PromptColumnName,
            ResponseColumnName = ResponseColumnName,
            VisualTokensColumnName = VisualTokensColumnName,
            ResponseVisualTokensColumnName = ResponseVisualTokensColumnName,
            OutputColumnName = OutputColumnName,
            OutputVisualTokensColumnName = OutputVisualTokensColumnName,
            ErrorColumnName = ErrorColumnName,
            LogProbabilityColumnName = LogProbabilityColumnName,
            SystemMessage = SystemMessage,
            BatchSize = GenerationBatchSize,
            Precision = precision,
            Generation = Generation?.Clone()!,         // null is refused below
        };
        settings.Validate(SettingNames.Options((nameof(MetaMorphSettings.BatchSize), nameof(GenerationBatchSize))));
        if (NeedsResponses) ColumnNames.RequireVisible([(nameof(ResponseColumnName), ResponseColumnName)], Outputs);
        return settings;
    }

    /// <summary>Whether a column of responses is there for certain; else it is read only where a prompt of several turns is answered.</summary>
    private protected virtual bool NeedsResponses => false;

    private (string Option, string? Name)[] Outputs =>
    [
        (nameof(OutputColumnName), OutputColumnName),
        (nameof(OutputVisualTokensColumnName), OutputVisualTokensColumnName),
        (nameof(ErrorColumnName), ErrorColumnName),
        (nameof(LogProbabilityColumnName), LogProbabilityColumnName),
    ];
}
