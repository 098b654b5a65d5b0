using System.Net;
using System.Net.Http.Headers;

namespace Microsoft.ML.MetaMorph;

/// <summary>Sends requests to the hub: token to the hub only, redirects by hand, time limits.</summary>
internal sealed class HubConnection : IDisposable
{
    private const int MostRedirects = 10;

    private readonly HttpClient _client;

    public HubConnection(HubSettings settings)
    {
        Settings = settings;
        HuggingFaceHubOptions options = settings.Options;
        HttpMessageHandler handler = options.Handler ?? new SocketsHttpHandler { AllowAutoRedirect = false, UseCookies = false, Proxy = options.Proxy, PooledConnectionLifetime = TimeSpan.FromMinutes(5) };
        _client = new HttpClient(handler, disposeHandler: options.Handler is null) { Timeout = Timeout.InfiniteTimeSpan };
        string version = typeof(HubConnection).Assembly.GetName().Version?.ToString(3) ?? "0";
        _client.DefaultRequestHeaders.UserAgent.Add(new ProductInfoHeaderValue("Microsoft.ML.MetaMorph", version));
        // A compressed answer has another length and another tag than the file.
        _client.DefaultRequestHeaders.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
    }

    public HubSettings Settings { get; }

    /// <summary>An address below the endpoint; the parts are escaped.</summary>
    public Uri Address(params IEnumerable<string> parts) => new($"{Settings.Endpoint.AbsoluteUri.TrimEnd('/')}/{string.Join('/', parts.Select(Uri.EscapeDataString))}");

    /// <summary>Repeats <paramref name="attempt"/> while its trouble may pass.</summary>
    public async Task<T> RepeatAsync<T>(Func<Task<T>> attempt, CancellationToken cancellation)
    {
        var retries = new HubRetries(Settings.Options);
        while (true)
        {
            try
            {
                return await attempt().ConfigureAwait(false);
            }
            catch (HubTroubleException trouble)
            {
                await retries.PauseAsync(trouble, cancellation).ConfigureAwait(false);
            }
        }
    }

    /// <summary>One request with the redirects that follow, up to the headers of the answer.</summary>
    /// <param name="request">Method, address and headers; made anew for each redirect.</param>
    /// <param name="leavesHub">Whether redirects to other hosts are followed. Where not, the answer that redirects is returned, with the hub's own headers.</param>
    /// <param name="refusal">Explains an answer that is neither success nor passing trouble.</param>
    /// <param name="silence">The time limit of this request.</param>
    public async Task<HubAnswer> SendAsync(HubRequest request, bool leavesHub, Func<HttpResponseMessage, HuggingFaceHubException> refusal, StallGuard silence)
    {
        Uri address = request.Address;
        HubHeaders? first = null;
        for (int redirects = 0; ; redirects++)
        {
            HttpResponseMessage response = await ExchangeAsync(request, address, silence).ConfigureAwait(false);
            bool isKept = false;
            try
            {
                // The hub describes the file where it redirects to the host that stores it.
                first = first is { IsLinked: true } ? first : HubHeaders.Of(response);
                if (!IsRedirect(response))
                {
                    if (!response.IsSuccessStatusCode && response.StatusCode != HttpStatusCode.RequestedRangeNotSatisfiable) throw Failure(response, address, refusal);
                    isKept = true;
                    return new HubAnswer(response, first, address);
                }
                Uri next = Target(response, address);
                if (!leavesHub && !IsHub(next))
                {
                    isKept = true;
                    return new HubAnswer(response, first, address);
                }
                if (redirects == MostRedirects) throw new HuggingFaceHubException($"{Plain(request.Address)} was redirected more than {MostRedirects} times, last to {Plain(next)}.");
                address = next;
            }
            finally
            {
                if (!isKept) response.Dispose();
            }
        }
    }

    /// <summary>An address without what may be secret in it: storage hosts carry a signature behind the question mark.</summary>
    public static string Plain(Uri address) => address.GetLeftPart(UriPartial.Path);

    public void Dispose() => _client.Dispose();

    private async Task<HttpResponseMessage> ExchangeAsync(HubRequest request, Uri address, StallGuard silence)
    {
        using HttpRequestMessage message = request.Message(address);
        if (Settings.Token is { } token && IsHub(address)) message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        silence.Restart();
        try
        {
            return await _client.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, silence.Token).ConfigureAwait(false);
        }
        catch (HttpRequestException lost)
        {
            throw new HubTroubleException($"{Plain(address)} could not be reached: {lost.Message}. Check the network, the proxy and HF_ENDPOINT.", lost);
        }
        catch (OperationCanceledException stalled) when (silence.HasStalled)
        {
            throw new HubTroubleException($"{Plain(address)} gave no answer for {Settings.Options.StallTimeout.TotalSeconds:0.#} seconds.", stalled);
        }
    }

    /// <summary>Whether an address is the endpoint's own: only there the token may go.</summary>
    private bool IsHub(Uri address) => address.Scheme == Settings.Endpoint.Scheme && address.Port == Settings.Endpoint.Port && string.Equals(address.IdnHost, Settings.Endpoint.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static bool IsRedirect(HttpResponseMessage response) => response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect;

    private static Uri Target(HttpResponseMessage response, Uri address)
    {
        Uri location = response.Headers.Location ?? throw new HuggingFaceHubException($"{Plain(address)} answered {(int)response.StatusCode} without saying where to.");
        var target = new Uri(address, location);
        if (target.Scheme == "https" || (target.Scheme == "http" && address.Scheme == "http")) return target;
        throw new HuggingFaceHubException($"{Plain(address)} redirects to {Plain(target)}, which is not https; that is not followed.");
    }

    private Exception Failure(HttpResponseMessage response, Uri address, Func<HttpResponseMessage, HuggingFaceHubException> refusal)
    {
        if (response.StatusCode is not (HttpStatusCode.TooManyRequests or HttpStatusCode.RequestTimeout) && (int)response.StatusCode < 500) return refusal(response);
        RetryConditionHeaderValue? after = response.Headers.RetryAfter;
        TimeSpan? wait = after?.Delta ?? after?.Date - Settings.Options.TimeProvider.GetUtcNow();
        string advice = response.StatusCode == HttpStatusCode.TooManyRequests && Settings.Token is null ? " A token (HF_TOKEN) raises the hub's limits." : "";
        return new HubTroubleException($"{Plain(address)} answered {(int)response.StatusCode} ({response.ReasonPhrase}).{advice}") { StatusCode = response.StatusCode, RetryAfter = wait < TimeSpan.Zero ? TimeSpan.Zero : wait };
    }
}
