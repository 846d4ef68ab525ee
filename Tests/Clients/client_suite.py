"""Calls of the unmodified clients `supabase` and `postgrest` against a real server.

Usage: client_suite.py SERVER REPOSITORY

Starts SERVER on a unix socket in a directory of its own, fills it with the lectures of the
repository's fixtures, and makes every call that is listed here. Expectations are those of
PostgREST's documentation, and similarities are computed here a second time. Prints a line for each
call that fails, and at the end `client suite: N calls, M failed`.
"""
import base64, hashlib, hmac, http.server, json, math, os, socket, struct, subprocess, sys
import tempfile, threading, time, warnings

import httpx
from postgrest import SyncPostgrestClient
from postgrest.exceptions import APIError
from supabase import ClientOptions, create_client

warnings.simplefilter("ignore")
SERVER, REPOSITORY = sys.argv[1], sys.argv[2]
SECRET = b"a secret of the project that has more than 32 bytes"
SERVICE_KEY, ANON_KEY = "sb_secret_for_the_suite", "sb_publishable_for_the_suite"


def fbin(name):
    with open(os.path.join(REPOSITORY, "fixtures/lectures", name), "rb") as file:
        count, dimension = struct.unpack("<II", file.read(8))
        return [list(struct.unpack(f"<{dimension}f", file.read(4 * dimension))) for _ in range(count)]


def token(**claims):
    def part(value):
        return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=")
    now = int(time.time())
    body = {"iat": now, "exp": now + 600, "role": "authenticated", "sub": "u", **claims}
    text = part({"alg": "HS256", "typ": "JWT"}) + b"." + part(body)
    mac = base64.urlsafe_b64encode(hmac.new(SECRET, text, hashlib.sha256).digest()).rstrip(b"=")
    return (text + b"." + mac).decode()


class Upstream(http.server.BaseHTTPRequestHandler):
    """Stands behind the server and answers like Supabase's other parts."""
    protocol_version = "HTTP/1.1"
    seen = []

    def handle_any(self):
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length)
        Upstream.seen.append((self.command, self.path, dict(self.headers), body))
        if self.path.startswith("/auth/v1/health"):
            return self.reply(200, {"name": "GoTrue"})
        if self.path.startswith("/rest/v1/missing"):
            return self.reply(404, {"code": "PGRST205", "message": "no table", "details": None, "hint": None})
        if self.path.startswith("/rest/v1/rpc/other"):
            return self.reply(200, {"from": "upstream", "args": json.loads(body or b"{}")})
        if self.path.startswith("/storage/"):
            return self.reply(200, {"bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})
        if self.command == "POST":
            return self.reply(201, json.loads(body))
        if self.command == "DELETE":
            return self.reply(200, [{"deleted": True}])
        return self.reply(200, [{"id": 1, "videos": {"title": "T"}}], {"Content-Range": "0-0/1"})

    do_GET = do_POST = do_DELETE = do_PATCH = do_HEAD = do_PUT = handle_any

    def reply(self, status, value, headers={}):
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers.items():
            self.send_header(name, text)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def log_message(self, *_):
        pass


def configuration(directory, port):
    def path(name, text):
        full = os.path.join(directory, name)
        with open(full, "wb") as file:
            file.write(text)
        os.chmod(full, 0o600)
        return full
    arguments = {
        "query_embedding": {"role": "vector"},
        "creator_id": {"role": "partition"},
        "match_threshold": {"role": "min_similarity", "default": -1.0},
        "match_count": {"role": "limit", "max": 200},
        "filter": {"role": "jsonb_contains", "column": "metadata"},
    }
    columns = [
        "id", "video_id", {"name": "content", "type": "text", "from": "payload.text"},
        "start_seconds", "creator_id", {"name": "metadata", "type": "jsonb", "from": "record"},
        {"similarity": "float8"},
    ]
    small = {"query_embedding": {"role": "vector"}, "match_count": {"role": "limit", "default": 10}}
    return {
        "functions": {
            "match_video_chunks": {"collection": "lectures", "args": arguments, "returns": columns},
            "match_open": {
                "collection": "lectures", "args": arguments, "returns": columns,
                "requires": "anon", "row_policy": "everybody",
            },
            "match_documents": {
                "collection": "lectures",
                "args": {k: arguments[k] for k in ("query_embedding", "filter")},
                "returns": columns,
            },
            "match_small": {
                "collection": "small", "args": small,
                "returns": ["id", "label", "note", {"name": "embedding", "type": "vector"}, "similarity"],
            },
            "match_secret": {
                "collection": "lectures", "args": small, "returns": ["id"], "requires": "service_role",
            },
        },
        "policies": {"lectures": "creator_id = jwt.app_metadata.creator_id", "small": "authenticated"},
        "tokens": {
            "secret_file": path("secret", SECRET),
            "audience": None,
            "api_keys": [
                {"name": "service", "role": "service_role", "file": path("service", SERVICE_KEY.encode())},
                {"name": "anon", "role": "anon", "sha256": hashlib.sha256(ANON_KEY.encode()).hexdigest()},
            ],
        },
        "upstream": f"http://127.0.0.1:{port}",
    }


class Suite:
    def __init__(self, path):
        self.path, self.calls, self.failed = path, 0, 0

    def transport(self):
        return httpx.Client(transport=httpx.HTTPTransport(uds=self.path), timeout=20)

    def supabase(self, key, bearer=None):
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        return create_client("http://localhost", key, options=ClientOptions(
            httpx_client=self.transport(), headers=headers))

    def postgrest(self, bearer=None, **headers):
        if bearer:
            headers["Authorization"] = f"Bearer {bearer}"
        client = self.transport()
        return SyncPostgrestClient("http://localhost/rest/v1", headers=headers, http_client=client)

    def check(self, name, call, expect):
        self.calls += 1
        try:
            result = call()
        except APIError as error:
            result = error
        except Exception as error:  # a client that breaks is a failure like any other
            result = error
        try:
            fine = expect(result)
        except Exception as error:
            fine, name = False, f"{name} ({type(error).__name__}: {error})"
        if not fine:
            self.failed += 1
            shown = repr(result.json() if isinstance(result, APIError) else getattr(result, "data", result))
            print(f"FAILED {name}: {shown[:300]}")

    def refused(self, name, call, code, **also):
        def expect(error):
            return (isinstance(error, APIError) and error.code == code and error.message
                    and set(error.json()) == {"code", "message", "details", "hint"}
                    and all(text in str(getattr(error, key)) for key, text in also.items()))
        self.check(name, call, expect)


def fill(suite, rows, vectors):
    http = suite.transport()
    def send(method, path, **keys):
        answer = http.request(method, "http://localhost" + path, **keys)
        assert answer.status_code < 300, (path, answer.status_code, answer.text)
    send("PUT", "/v1/collections/lectures", json={
        "dimension": len(vectors[0]), "partition_by": "creator_id",
        "attributes": {"video_id": {"type": "string"}, "start_seconds": {"type": "double"},
                       "end_seconds": {"type": "double"}}})
    for start in range(0, len(rows), 200):
        send("POST", "/v1/collections/lectures/records", json={"records": [
            {**{k: v for k, v in row.items() if k != "row"}, "vector": vectors[row["row"]]}
            for row in rows[start:start + 200]]})
    send("PUT", "/v1/collections/small", json={
        "dimension": 3, "attributes": {"label": {"type": "string"}, "rank": {"type": "int64"}}})
    send("POST", "/v1/collections/small/records", json={"records": [
        {"id": 1, "vector": [1, 0, 0], "label": "one, with comma", "note": "x"},
        {"id": 2, "vector": [0.6, 0.8, 0], "label": "two \"quoted\""},
        {"id": 3, "vector": [0, 0, 1]}]})


def calls(suite, rows, vectors, queries):
    query = queries[0]
    def similarity(a, b):
        return sum(map(float.__mul__, a, b)) / math.sqrt(sum(x * x for x in a) * sum(x * x for x in b))
    ranked = {}
    for row in rows:
        ranked.setdefault(row["creator_id"], []).append((similarity(query, vectors[row["row"]]), row))
    for list_ in ranked.values():
        list_.sort(key=lambda pair: -pair[0])
    mine = ranked["creator-001"]
    other = next(name for name in sorted(ranked) if name != "creator-001")
    user = token(app_metadata={"creator_id": "creator-001"})
    stranger = token(app_metadata={"creator_id": other})
    service = suite.supabase(SERVICE_KEY)
    signed_in = suite.supabase(ANON_KEY, bearer=user)
    anonymous = suite.supabase(ANON_KEY)
    rest = suite.postgrest(user, apikey=ANON_KEY)
    arguments = {"query_embedding": query, "match_count": 5}
    check, refused = suite.check, suite.refused

    def rpc(client=signed_in, function="match_video_chunks", count=None, **more):
        merged = {**arguments, **more}
        merged = {k: v for k, v in merged.items() if v != "absent"}
        return client.rpc(function, merged, count=count)

    def ids(result):
        return [row["id"] for row in result.data]
    best = [row["id"] for _, row in mine]

    # Plain calls.
    check("the nearest five", lambda: rpc().execute(), lambda r: ids(r) == best[:5])
    check("similarities", lambda: rpc().execute(), lambda r: all(
        abs(a["similarity"] - b[0]) < 1e-5 for a, b in zip(r.data, mine)))
    check("columns in their order", lambda: rpc().execute(), lambda r: list(r.data[0]) == [
        "id", "video_id", "content", "start_seconds", "creator_id", "metadata", "similarity"])
    check("content", lambda: rpc().execute(), lambda r: r.data[0]["content"] == mine[0][1]["text"])
    check("metadata is the record", lambda: rpc().execute(), lambda r: r.data[0]["metadata"]["video_id"] == mine[0][1]["video_id"] and "text" in r.data[0]["metadata"])
    check("vector as text", lambda: rpc(query_embedding=str(query)).execute(), lambda r: ids(r) == best[:5])
    check("vector as text with blanks", lambda: rpc(query_embedding=" [ " + " , ".join(map(str, query)) + " ] ").execute(), lambda r: ids(r) == best[:5])
    threshold = mine[3][0]
    check("threshold is strict", lambda: rpc(match_threshold=threshold - 1e-4).execute(), lambda r: ids(r) == best[:4])
    check("nothing above 0.999", lambda: rpc(match_threshold=0.999).execute(), lambda r: r.data == [])
    check("null threshold is none", lambda: rpc(match_threshold=None).execute(), lambda r: len(r.data) == 5)
    check("numbers as text", lambda: rpc(match_count="3", match_threshold="-1").execute(), lambda r: ids(r) == best[:3])
    check("count zero", lambda: rpc(match_count=0).execute(), lambda r: r.data == [])
    check("null count is the function's own limit", lambda: rpc(match_count=None).execute(), lambda r: ids(r) == best[:200])
    check("count beyond the maximum", lambda: rpc(match_count=1000).execute(), lambda r: len(r.data) == min(200, len(mine)))
    check("own partition named", lambda: rpc(creator_id="creator-001").execute(), lambda r: ids(r) == best[:5])
    check("null partition matches nothing", lambda: rpc(creator_id=None).execute(), lambda r: r.data == [])
    check("postgrest client", lambda: rpc(rest).execute(), lambda r: ids(r) == best[:5])

    # What is done to the rows.
    check("select", lambda: rpc().select("id, similarity").execute(), lambda r: list(r.data[0]) == ["id", "similarity"])
    check("select renamed", lambda: rpc().select("chunk:id").execute(), lambda r: r.data[0] == {"chunk": best[0]})
    check("select from JSON", lambda: rpc().select("metadata->>video_id").execute(), lambda r: r.data[0] == {"video_id": mine[0][1]["video_id"]})
    check("select JSON as JSON", lambda: rpc().select("s:metadata->start_seconds").execute(), lambda r: r.data[0]["s"] == mine[0][1]["start_seconds"])
    check("select cast", lambda: rpc().select("start_seconds::text").execute(), lambda r: isinstance(r.data[0]["start_seconds"], str))
    check("limit", lambda: rpc().limit(2).execute(), lambda r: ids(r) == best[:2])
    check("range", lambda: rpc().range(1, 3).execute(), lambda r: ids(r) == best[1:4])
    check("offset", lambda: rpc().offset(3).execute(), lambda r: ids(r) == best[3:5])
    check("order ascending", lambda: rpc().order("similarity").execute(), lambda r: ids(r) == best[:5][::-1])
    check("order by two", lambda: rpc(match_count=20).order("video_id", desc=True).order("start_seconds").execute(), lambda r: [(x["video_id"], x["start_seconds"]) for x in r.data] == sorted(((p[1]["video_id"], p[1]["start_seconds"]) for p in mine[:20]), key=lambda p: ([-ord(c) for c in p[0]] + [0], p[1])))
    video = mine[0][1]["video_id"]
    top = [row for _, row in mine[:20]]
    def few(**more):
        return rpc(match_count=20, **more)
    def expect(condition):
        wanted = [row["id"] for row in top if condition(row)]
        return lambda r: ids(r) == wanted
    check("eq", lambda: few().eq("video_id", video).execute(), expect(lambda x: x["video_id"] == video))
    check("neq", lambda: few().neq("video_id", video).execute(), expect(lambda x: x["video_id"] != video))
    check("gt", lambda: few().gt("start_seconds", 60).execute(), expect(lambda x: x["start_seconds"] > 60))
    check("gte and lt", lambda: few().gte("start_seconds", 30).lt("start_seconds", 90).execute(), expect(lambda x: 30 <= x["start_seconds"] < 90))
    check("lte", lambda: few().lte("start_seconds", 60).execute(), expect(lambda x: x["start_seconds"] <= 60))
    check("in", lambda: few().in_("video_id", [video, "a,b", 'c"d']).execute(), expect(lambda x: x["video_id"] == video))
    check("like", lambda: few().like("video_id", video[:4] + "%").execute(), expect(lambda x: x["video_id"].startswith(video[:4])))
    check("ilike with a star", lambda: few().ilike("content", "*THE*").execute(), expect(lambda x: "the" in x["text"].lower()))
    check("is null", lambda: few().is_("content", None).execute(), lambda r: r.data == [])
    check("not is null", lambda: few().not_.is_("content", None).execute(), expect(lambda x: True))
    check("not eq", lambda: few().not_.eq("video_id", video).execute(), expect(lambda x: x["video_id"] != video))
    check("or", lambda: few().or_(f"start_seconds.lt.30,and(start_seconds.gt.60,video_id.eq.{video})").execute(), expect(lambda x: x["start_seconds"] < 30 or (x["start_seconds"] > 60 and x["video_id"] == video)))
    check("contains", lambda: few().contains("metadata", {"video_id": video}).execute(), expect(lambda x: x["video_id"] == video))
    check("JSON path", lambda: few().eq("metadata->>video_id", video).execute(), expect(lambda x: x["video_id"] == video))
    check("JSON path as number", lambda: few().gt("metadata->start_seconds", 60).execute(), expect(lambda x: x["start_seconds"] > 60))
    check("match", lambda: few().match({"video_id": video, "creator_id": "creator-001"}).execute(), expect(lambda x: x["video_id"] == video))
    check("a filter on the similarity", lambda: few().gt("similarity", mine[4][0] - 1e-6).execute(), lambda r: ids(r) == best[:5])
    check("the argument filter", lambda: rpc(filter={"video_id": video}).execute(), lambda r: ids(r) == [x["id"] for _, x in mine if x["video_id"] == video][:5])
    check("the argument filter inside the payload", lambda: rpc(filter={"text": mine[40][1]["text"]}).execute(), lambda r: ids(r)[0] == best[40])

    # LangChain's way: no count, a limit and a filter in the address.
    check("pushed down", lambda: signed_in.rpc("match_documents", {"query_embedding": query}).eq("video_id", mine[-1][1]["video_id"]).limit(4).execute(), lambda r: ids(r) == [x["id"] for _, x in mine if x["video_id"] == mine[-1][1]["video_id"]][:4])
    check("pushed down through JSON", lambda: signed_in.rpc("match_documents", {"query_embedding": query, "filter": {}}).filter("and", "", "").execute() if False else httpx_get(suite, user, "/rest/v1/rpc/match_documents?limit=3&and=(metadata-%3E%3Evideo_id.eq." + video + ")", {"query_embedding": query}), lambda r: [x["id"] for x in r] == [x["id"] for _, x in mine if x["video_id"] == video][:3])

    # Counts and forms.
    check("count", lambda: rpc(count="exact").limit(2).execute(), lambda r: r.count == 5 and len(r.data) == 2)
    check("count of nothing", lambda: rpc(count="exact", match_threshold=0.999).execute(), lambda r: r.count == 0)
    check("single", lambda: rpc(match_count=1).single().execute(), lambda r: r.data["id"] == best[0])
    refused("single of five", lambda: rpc().single().execute(), "PGRST116", message="single JSON object", details="5 rows")
    refused("single of none", lambda: rpc(match_threshold=0.999).single().execute(), "PGRST116", details="0 rows")
    check("csv", lambda: signed_in.rpc("match_small", {"query_embedding": [1, 0, 0]}).select("id,label").csv().execute(), lambda r: r.data == 'id,label\n1,"one, with comma"\n2,"two ""quoted"""\n3,')
    check("vector column is text", lambda: signed_in.rpc("match_small", {"query_embedding": [1, 0, 0], "match_count": 1}).execute(), lambda r: r.data[0]["embedding"] == "[1,0,0]")
    check("nulls are kept", lambda: signed_in.rpc("match_small", {"query_embedding": [0, 0, 1], "match_count": 1}).select("id,note").execute(), lambda r: r.data == [{"id": 3, "note": None}])
    check("nulls are stripped", lambda: signed_in.rpc("match_small", {"query_embedding": [0, 0, 1], "match_count": 1}).select("id,note").strip_nulls().execute() if hasattr(signed_in.rpc("match_small", {}), "strip_nulls") else None, lambda r: r is None or r.data == [{"id": 3}])
    check("get", lambda: signed_in.rpc("match_small", {"query_embedding": [1, 0, 0], "match_count": 2}, get=True).execute(), lambda r: ids(r) == [1, 2])
    check("head with a count", lambda: signed_in.rpc("match_small", {"query_embedding": [1, 0, 0]}, head=True, count="exact").execute(), lambda r: r.count == 3)
    check("a filter by number", lambda: signed_in.rpc("match_small", {"query_embedding": [1, 0, 0]}).eq("id", 2).execute(), lambda r: ids(r) == [2])

    # Refusals.
    refused("unknown function", lambda: suite.postgrest(user).rpc("match_video_chunk", arguments).execute() if False else rpc(function="match_video_chunks", nonsense=1).execute(), "PGRST202", hint="match_video_chunks", message="Could not find the function")
    refused("missing argument", lambda: rpc(query_embedding="absent").execute(), "PGRST202")
    refused("wrong dimension", lambda: rpc(query_embedding=[1, 2]).execute(), "22000", message="expected 384 dimensions, not 2")
    refused("no vector", lambda: rpc(query_embedding="hello").execute(), "22P02", message="invalid input syntax for type vector")
    refused("empty vector", lambda: rpc(query_embedding=[]).execute(), "22000")
    refused("zero vector", lambda: rpc(query_embedding=[0.0] * 384).execute(), "22000")
    refused("negative count", lambda: rpc(match_count=-1).execute(), "2201W")
    refused("count that is no number", lambda: rpc(match_count="many").execute(), "22P02", message="integer")
    refused("unknown column selected", lambda: rpc().select("nonsense").execute(), "42703")
    refused("unknown column filtered", lambda: rpc().eq("nonsense", 1).execute(), "42703")
    refused("unknown column ordered", lambda: rpc().order("nonsense").execute(), "42703")
    refused("a word for a number", lambda: rpc().gt("start_seconds", "late").execute(), "22P02")
    refused("text search", lambda: rpc().fts("content", "word").execute(), "PGRST127", details="fts")
    refused("a range operator", lambda: rpc().sl("start_seconds", (1, 2)).execute(), "PGRST127", details="sl")
    refused("embedding a resource", lambda: rpc().select("id,videos(title)").execute(), "PGRST127", details="videos")
    refused("an unknown schema", lambda: SyncPostgrestClient("http://localhost/rest/v1", schema="hidden", headers={"Authorization": f"Bearer {user}"}, http_client=suite.transport()).rpc("match_small", {"query_embedding": [1, 0, 0]}).execute(), "PGRST106")

    # Who asks.
    check("service key sees all", lambda: rpc(service, creator_id=other).execute(), lambda r: ids(r) == [x["id"] for _, x in ranked[other][:5]])
    check("another creator's rows are not there", lambda: rpc(creator_id=other).execute(), lambda r: r.data == [])
    check("the other creator sees their own", lambda: rpc(suite.supabase(ANON_KEY, stranger)).execute(), lambda r: {x["creator_id"] for x in r.data} == {other})
    check("a filter by another creator", lambda: rpc().eq("creator_id", other).execute(), lambda r: r.data == [])
    refused("nobody", lambda: rpc(anonymous).execute(), "42501", message="permission denied for function match_video_chunks")
    check("nobody, where anybody may", lambda: rpc(anonymous, "match_open", creator_id="creator-001").execute(), lambda r: ids(r) == best[:5])
    refused("a token without the claim", lambda: rpc(suite.supabase(ANON_KEY, token())).execute(), "42501")
    refused("a user where the service is needed", lambda: signed_in.rpc("match_secret", {"query_embedding": query}).execute(), "42501")
    refused("expired", lambda: rpc(suite.supabase(ANON_KEY, token(exp=int(time.time()) - 60, iat=int(time.time()) - 600))).execute(), "PGRST303", message="JWT expired")
    refused("tampered", lambda: rpc(suite.supabase(ANON_KEY, user[:-4] + "AAAA")).execute(), "PGRST301")
    refused("an unknown key", lambda: rpc(suite.supabase("sb_publishable_other")).execute(), "PGRST301", message="Invalid API key")

    # Everything else is the upstream's.
    check("a table", lambda: service.table("video_chunks").select("id,videos(title)", count="exact").in_("id", [1, 2]).execute(), lambda r: r.data == [{"id": 1, "videos": {"title": "T"}}] and r.count == 1 and Upstream.seen[-1][1] == "/rest/v1/video_chunks?select=id%2Cvideos%28title%29&id=in.%281%2C2%29")
    check("its headers arrive", lambda: Upstream.seen[-1][2], lambda h: {k.lower(): v for k, v in h.items()}["apikey"] == SERVICE_KEY)
    check("an upsert", lambda: service.table("video_chunks").upsert([{"id": 1, "content": "x"}]).execute(), lambda r: r.data == [{"id": 1, "content": "x"}])
    check("a delete", lambda: service.table("video_chunks").delete().eq("id", 1).execute(), lambda r: r.data == [{"deleted": True}])
    refused("an error of the upstream", lambda: service.table("missing").select("*").execute(), "PGRST205", message="no table")
    check("a function of the upstream", lambda: service.rpc("other_function", {"a": 1}).execute(), lambda r: r.data == {"from": "upstream", "args": {"a": 1}})
    big = os.urandom(3_000_000)
    check("an upload", lambda: suite.transport().post("http://localhost/storage/v1/object/b/f", content=big, headers={"apikey": SERVICE_KEY}).json(), lambda r: r == {"bytes": len(big), "sha256": hashlib.sha256(big).hexdigest()})
    check("an upload of unknown length", lambda: suite.transport().post("http://localhost/storage/v1/object/b/g", content=iter([big[:1000], big[1000:]]), headers={"apikey": SERVICE_KEY}).status_code, lambda r: r == 200)
    check("health of the upstream", lambda: suite.transport().get("http://localhost/auth/v1/health").json(), lambda r: r == {"name": "GoTrue"})

    # Pages of other origins.
    def preflight():
        return suite.transport().options("http://localhost/rest/v1/rpc/match_small", headers={
            "Origin": "https://app.example", "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "apikey,content-type,x-client-info"})
    check("preflight", preflight, lambda r: r.status_code == 200 and r.headers["access-control-allow-origin"] == "*" and "x-client-info" in r.headers["access-control-allow-headers"] and r.headers["access-control-max-age"] == "86400" and "POST" in r.headers["access-control-allow-methods"])
    def page():
        return suite.transport().post("http://localhost/rest/v1/rpc/match_small", json={"query_embedding": [1, 0, 0]}, headers={"Origin": "https://app.example", "Authorization": f"Bearer {user}"})
    check("an answer to a page", page, lambda r: r.headers["access-control-allow-origin"] == "*" and "Content-Range" in r.headers["access-control-expose-headers"] and r.headers["content-range"] == "0-2/*")
    check("content type", page, lambda r: r.headers["content-type"] == "application/json; charset=utf-8")


def httpx_get(suite, bearer, path, body):
    return suite.transport().post("http://localhost" + path, json=body, headers={"Authorization": f"Bearer {bearer}"}).json()


def main():
    upstream = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Upstream)
    threading.Thread(target=upstream.serve_forever, daemon=True).start()
    with open(os.path.join(REPOSITORY, "fixtures/lectures/chunks.jsonl")) as file:
        rows = [json.loads(line) for line in file]
    vectors, queries = fbin("chunks.fbin"), fbin("queries.fbin")
    with tempfile.TemporaryDirectory(prefix="vs-clients-") as directory:
        path = os.path.join(directory, "s.sock")
        config = os.path.join(directory, "config.yaml")
        with open(config, "w") as file:
            json.dump(configuration(directory, upstream.server_address[1]), file)
        log = open(os.path.join(directory, "log"), "w+")
        server = subprocess.Popen(
            [SERVER, "serve", "--data", os.path.join(directory, "data"), "--socket", path,
             "--config", config], stdout=log, stderr=log)
        suite = Suite(path)
        try:
            for _ in range(200):
                if server.poll() is not None:
                    break
                try:
                    if suite.transport().get("http://localhost/readyz").status_code == 200:
                        break
                except httpx.TransportError:
                    pass
                time.sleep(0.05)
            fill(suite, rows, vectors)
            calls(suite, rows, vectors, queries)
        except Exception:
            log.seek(0)
            print("the server's log:\n" + log.read()[-4000:])
            raise
        finally:
            server.terminate()
            server.wait(20)
            log.seek(0)
            text = log.read()
            for secret in (SERVICE_KEY, ANON_KEY, SECRET.decode()):
                if secret in text:
                    suite.failed += 1
                    print("FAILED: a secret is in the log")
    print(f"client suite: {suite.calls} calls, {suite.failed} failed")
    sys.exit(1 if suite.failed else 0)


main()
