using System.Net;

namespace Microsoft.ML.MetaMorph.Tests;

/// <summary>Who gets the token, and what is said where the hub refuses.</summary>
[TestClass]
public sealed class HubRefusalTests : HubTests
{
    private string Site => Hub.Address.AbsoluteUri.TrimEnd('/');

    private string Advice => $"make a token at {Site}/settings/tokens and give it as HuggingFaceHubOptions.Token or HF_TOKEN";

    [TestMethod]
    public async Task TheTokenGoesToTheHubAlone()
    {
        Add("config.json");
        Add("model.safetensors", Bytes(10), isLarge: true);
        Hub.Behave = call => call["Authorization"] == "Bearer hf_secret" ? null : HubReply.Refusal(401, "RepoNotFound");
        Options.Token = "hf_secret";
        await DownloadAsync();
        Assert.HasCount(3, Hub.Calls);
        Assert.HasCount(1, Storage.Calls);
        Assert.IsNull(Storage.Calls.Single()["Authorization"]);
        Assert.AreEqual("identity", Storage.Calls.Single()["Accept-Encoding"]);
    }

    [TestMethod]
    public async Task TheTokenIsFoundWhereTheHubsToolsLookForIt()
    {
        Add("config.json");
        Assert.IsNull(await TokenAsync());
        Folder.Write("home/token", "hf_file\n");
        Assert.AreEqual("Bearer hf_file", await TokenAsync());
        Variables["HF_TOKEN_PATH"] = Folder.Write("elsewhere", "hf_elsewhere");
        Assert.AreEqual("Bearer hf_elsewhere", await TokenAsync());
        Variables["HUGGING_FACE_HUB_TOKEN"] = "hf_old";
        Assert.AreEqual("Bearer hf_old", await TokenAsync());
        Variables["HF_TOKEN"] = " hf_variable ";
        Assert.AreEqual("Bearer hf_variable", await TokenAsync());
        Options.Token = "hf_option";
        Assert.AreEqual("Bearer hf_option", await TokenAsync());
        Options.Token = "";
        Assert.IsNull(await TokenAsync());
        Options.Token = null;
        Variables["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "1";
        Assert.IsNull(await TokenAsync());
    }

    [TestMethod]
    public async Task AGatedModelIsExplained()
    {
        Hub.Behave = _ => HubReply.Refusal(401, "GatedRepo", "Access to model org/name is restricted.");
        HuggingFaceHubException error = await Assert.ThrowsExactlyAsync<HuggingFaceHubException>(() => DownloadAsync());
        Assert.AreEqual($"The model 'org/name' is gated. Accept its terms at {Site}/org/name, then {Advice}.", error.Message);
        Assert.AreEqual((HttpStatusCode.Unauthorized, "GatedRepo"), (error.StatusCode, error.ErrorCode));
        Hub.Behave = _ => HubReply.Refusal(403, "GatedRepo");
        Variables["HF_TOKEN"] = "hf_secret";
        Assert.AreEqual($"The model 'org/name' is gated, and the account of the token from HF_TOKEN may not read it. Accept its terms at {Site}/org/name with that account, and see that the token may read gated models.", await FailureAsync());
        Assert.HasCount(2, Hub.Calls, "a refusal is not asked for again");
    }

    /// <summary>Listings of gated models are open; their files are not.</summary>
    [TestMethod]
    public async Task AGatedFileIsExplained()
    {
        Add("config.json");
        Hub.Behave = call => call.Target.Contains("/resolve/", StringComparison.Ordinal) ? HubReply.Refusal(403, "GatedRepo") : null;
        Assert.AreEqual($"The model 'org/name' is gated. Accept its terms at {Site}/org/name, then {Advice}.", await FailureAsync());
        CollectionAssert.AreEqual(Array.Empty<string>(), Blobs);
    }

    [TestMethod]
    [DataRow(404, "RepoNotFound")]
    [DataRow(401, null)]
    [DataRow(404, null)]
    public async Task AModelThatIsNotThereIsExplained(int status, string? code)
    {
        Hub.Behave = _ => HubReply.Refusal(status, code);
        Assert.AreEqual($"There is no model 'org/name' at {Hub.Address}, or it is private and no token was given. Check the name; for a private model {Advice}.", await FailureAsync());
        Options.Token = "hf_secret";
        Assert.AreEqual($"There is no model 'org/name' at {Hub.Address}, or it is private and the token from HuggingFaceHubOptions.Token may not read it. Check the name, and the account of the token.", await FailureAsync());
    }

    [TestMethod]
    public async Task OtherRefusalsAreExplained()
    {
        Hub.Behave = _ => HubReply.Refusal(404, "RevisionNotFound");
        Assert.AreEqual($"The model 'org/name' has no branch, tag or commit 'v9'; {Site}/org/name/tree/main lists them.", await FailureAsync("v9"));
        Hub.Behave = _ => HubReply.Refusal(401, null, "Invalid credentials in Authorization header");
        Options.Token = "hf_secret";
        Assert.AreEqual($"The hub does not know the token from HuggingFaceHubOptions.Token. It may be revoked or cut short; {Advice}.", await FailureAsync());
        Hub.Behave = _ => HubReply.Refusal(451, "Disabled", "Taken down.");
        Assert.AreEqual("The model 'org/name' was refused with 451 (UnavailableForLegalReasons), Disabled: Taken down.", await FailureAsync());
        Hub.Behave = call => call.Target.Contains("/resolve/", StringComparison.Ordinal) ? HubReply.Refusal(404, "EntryNotFound") : null;
        Add("config.json");
        Assert.AreEqual("The model 'org/name' has no file 'config.json' at revision 'main'.", await FailureAsync());
    }

    [TestMethod]
    public async Task ARedirectFromHttpsToHttpIsNotFollowed()
    {
        var asked = new List<string>();
        Options.Handler = new Answers(request =>
        {
            asked.Add($"{request.RequestUri} {request.Headers.Authorization}");
            var answer = new HttpResponseMessage(HttpStatusCode.Found);
            answer.Headers.Location = new Uri("http://hub.example/api/models/org/name/revision/main");
            return answer;
        });
        Options.Endpoint = new Uri("https://hub.example");
        Options.Token = "hf_secret";
        Assert.AreEqual("https://hub.example/api/models/org/name/revision/main redirects to http://hub.example/api/models/org/name/revision/main, which is not https; that is not followed.", await FailureAsync());
        CollectionAssert.AreEqual(new[] { "https://hub.example/api/models/org/name/revision/main?blobs=true Bearer hf_secret" }, asked);
    }

    [TestMethod]
    public async Task AListingIsNotFetchedFromElsewhere()
    {
        Hub.Behave = _ => new HubReply(302, [], ("Location", $"{Storage.Address}elsewhere"));
        Assert.AreEqual($"{Site}/api/models/org/name/revision/main answered 302 and leads away from the hub; that is not followed.", await FailureAsync());
        Assert.IsEmpty(Storage.Calls);
    }

    /// <summary>A model that got a new name is redirected within the hub.</summary>
    [TestMethod]
    public async Task ARenamedModelIsFollowed()
    {
        Add("config.json");
        Hub.Behave = call => call.Target.StartsWith("/api/models/org/old/", StringComparison.Ordinal) ? new HubReply(307, [], ("Location", "/api/models/org/name/revision/main?blobs=true"))
            : call.Target.StartsWith("/org/old/", StringComparison.Ordinal) ? new HubReply(307, [], ("Location", call.Target.Replace("/old/", "/name/", StringComparison.Ordinal))) : null;
        HuggingFaceSnapshot snapshot = await HuggingFaceHub.DownloadAsync("org/old", null, null, Options, Variables.GetValueOrDefault, CancellationToken.None);
        Assert.AreEqual(Path.Combine(Folder["cache"], "models--org--old", "snapshots", Commit), snapshot.Folder);
        Assert.AreEqual("{}", File.ReadAllText(Path.Combine(snapshot.Folder, "config.json")));
    }

    [TestMethod]
    [DataRow("../outside.json")]
    [DataRow("a/../../outside.json")]
    [DataRow("/etc/outside.json")]
    [DataRow("..\\outside.json")]
    [DataRow("C:outside.json")]
    [DataRow("a//b.json")]
    [DataRow("./a.json")]
    [DataRow("a/.. /b.json")]
    [DataRow("a\tb.json")]
    [DataRow("")]
    public async Task ANameThatLeavesTheFolderIsRefused(string name)
    {
        Add("config.json");
        string listed = name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\t", "\\t", StringComparison.Ordinal);
        Hub.Behave = _ => HubReply.Json($$"""{"sha":"{{Commit}}","siblings":[{"rfilename":"config.json","blobId":"{{Hub.Hash("config.json")}}","size":2},{"rfilename":"{{listed}}","size":2}]}""");
        Assert.AreEqual($"The hub lists a file '{name}' of 'org/name', which would lie outside the model's folder or cannot be the name of a file. Nothing was fetched.", await FailureAsync(files: ["config.json"]));
        Assert.HasCount(1, Hub.Calls);
        CollectionAssert.AreEqual(Array.Empty<string>(), Names(Folder["cache"]));
    }

    [TestMethod]
    [DataRow("<html>log in</html>", "is not valid JSON")]
    [DataRow("""{"siblings":[]}""", "'sha' is not the hash of a commit.")]
    [DataRow("""{"sha":"../..","siblings":[]}""", "'sha' is not the hash of a commit.")]
    [DataRow("""{"sha":"0123456789abcdef0123456789abcdef01234567"}""", "'siblings' is not a list of files.")]
    [DataRow("""{"sha":"0123456789abcdef0123456789abcdef01234567","siblings":[7]}""", "an entry of 'siblings' has no 'rfilename'.")]
    public async Task AnAnswerThatIsNoListingIsRefused(string answer, string text)
    {
        Hub.Behave = _ => HubReply.Json(answer);
        string message = await FailureAsync();
        StringAssert.StartsWith(message, $"'{Site}/api/models/org/name/revision/main'");
        StringAssert.Contains(message, text);
        StringAssert.EndsWith(message, "This is not the answer of a Hugging Face hub; check HF_ENDPOINT and the proxy.");
    }

    [TestMethod]
    public async Task AMirrorWithoutHashesIsRefused()
    {
        Add("config.json");
        Hub.Behave = call => call.Target.StartsWith("/api/", StringComparison.Ordinal) ? HubReply.Json(Hub.Listing(hasBlobs: false)) : new HubReply(200, "{}"u8.ToArray(), ("ETag", "\"7-abc\""));
        Assert.AreEqual($"{Hub.Address} gives no length and hash for 'config.json' of 'org/name' (length 2, tag '7-abc'), so what it sends could not be checked. Use another endpoint.", await FailureAsync());
    }

    private async Task<string?> TokenAsync()
    {
        await DownloadAsync();
        return Hub.Calls.Last()["Authorization"];
    }

    private sealed class Answers(Func<HttpRequestMessage, HttpResponseMessage> answer) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) => Task.FromResult(answer(request));
    }
}
