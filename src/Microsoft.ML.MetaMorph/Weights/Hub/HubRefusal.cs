using System.Net;

namespace Microsoft.ML.MetaMorph;

/// <summary>Says why the hub refuses, and what to do about it.</summary>
internal sealed class HubRefusal(HubSettings settings, string model, string revision)
{
    private string Page => $"{settings.Endpoint.AbsoluteUri.TrimEnd('/')}/{model}";

    private string HowToGiveAToken => $"make a token at {settings.Endpoint.AbsoluteUri.TrimEnd('/')}/settings/tokens and give it as {nameof(HuggingFaceHubOptions)}.{nameof(HuggingFaceHubOptions.Token)} or HF_TOKEN";

    /// <param name="response">The hub's answer.</param>
    /// <param name="file">The file that was asked for, or null.</param>
    public HuggingFaceHubException Explain(HttpResponseMessage response, string? file)
    {
        string? code = HubHeaders.Value(response, "X-Error-Code"), said = HubHeaders.Value(response, "X-Error-Message");
        return new HuggingFaceHubException(Text(response, code, said, file)) { StatusCode = response.StatusCode, ErrorCode = code };
    }

    private string Text(HttpResponseMessage response, string? code, string? said, string? file)
    {
        bool isAuthority = response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden;
        if (isAuthority && settings.Token is not null && said?.Contains("Invalid credentials", StringComparison.OrdinalIgnoreCase) == true)
            return $"The hub does not know the token from {settings.TokenSource}. It may be revoked or cut short; {HowToGiveAToken}.";
        return code switch
        {
            "GatedRepo" => Gated(),
            "RevisionNotFound" => $"The model '{model}' has no branch, tag or commit '{revision}'; {Page}/tree/main lists them.",
            "EntryNotFound" => $"The model '{model}' has no file '{file}' at revision '{revision}'.",
            "RepoNotFound" => Missing(),
            // The hub does not tell strangers whether a private model exists.
            null when response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.NotFound && file is null => Missing(),
            _ => $"{(file is null ? $"The model '{model}'" : $"'{file}' of '{model}'")} was refused with {(int)response.StatusCode} ({response.ReasonPhrase}){(code is null ? "" : $", {code}")}{(said is null ? "." : $": {said}")}",
        };
    }

    private string Gated() => settings.Token is null
        ? $"The model '{model}' is gated. Accept its terms at {Page}, then {HowToGiveAToken}."
        : $"The model '{model}' is gated, and the account of the token from {settings.TokenSource} may not read it. Accept its terms at {Page} with that account, and see that the token may read gated models.";

    private string Missing() => $"There is no model '{model}' at {settings.Endpoint}, or it is private and "
        + (settings.Token is null ? $"no token was given. Check the name; for a private model {HowToGiveAToken}." : $"the token from {settings.TokenSource} may not read it. Check the name, and the account of the token.");
}
