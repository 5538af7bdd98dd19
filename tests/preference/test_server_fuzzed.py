"""The page's server under whatever may be sent to it: nothing leaks, and nothing counts."""

import json
import re

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from scaling.preference.server import MOST_BYTES
from tests.preference.serving import served
from tests.preference.test_pairs import made


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(made(6, 2), tmp_path_factory.mktemp("served")) as found:
        yield found


SECRETS = (b"root:", b'"first"', b"run0")
pieces = st.sampled_from(
    [
        *("..", ".", "", "%2e%2e", "%2e%2e%2f", "..%5c", "%00", "%c0%ae", "~", "etc", "passwd"),
        *("votes.jsonl", "pairs.jsonl", "key", "picture", "page.js", "state", "index.html"),
    ]
)
text = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=20)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    parts=st.lists(st.one_of(pieces, text), max_size=7),
    inside=st.booleans(),
    method=st.sampled_from(["GET", "POST", "HEAD"]),
    body=st.one_of(st.binary(max_size=200), st.binary(min_size=5000, max_size=9000)),
)
@example(["..", "..", "..", "etc", "passwd"], True, "GET", b"")
@example(["picture", "..%2f..%2fvotes.jsonl.png"], True, "GET", b"")
def test_no_address_leads_to_a_file_and_no_post_is_taken_for_a_vote(
    server, parts, inside, method, body
):
    before = server.path.read_bytes()
    path = (server.base() if inside else "") + "/" + "/".join(parts)
    found = server.ask(path, method, body if method == "POST" else None)
    assert found.status < 500
    if found.status == 200:
        assert inside and path.partition("?")[0].partition("#")[0].removeprefix(server.base()) in (
            *("/", "/page.js", "/style.css", "/state"),
        )
    if not path.endswith(("page.js", "index.html")):
        assert not any(secret in found.content for secret in SECRETS)
    assert server.path.read_bytes() == before


names = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=12)
hosts = st.one_of(
    names,
    st.ip_addresses().map(str),
    st.builds("{}{}".format, st.sampled_from(["127.0.0.1", "localhost", "[::1]"]), names),
)
origins = st.one_of(
    st.just("null"),
    names,
    st.builds("{}://{}".format, st.sampled_from(["http", "https", "file", "ftp"]), hosts),
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(origin=origins, site=st.sampled_from([None, "same-origin", "cross-site", "same-site"]))
def test_no_origin_but_the_pages_own_may_send(server, origin, site):
    """Posts that would count otherwise, with whatever a browser may be made to say of itself."""
    pair = server.sessions.state("bob")["pairs"][0]["pair"]
    before = server.path.read_bytes()
    sent = {"Origin": origin, "Sec-Fetch-Site": site}
    own = f"127.0.0.1:{server.port}"
    answer = server.ask(
        f"{server.base('bob')}/vote", "POST", {"pair": pair, "answer": "tie", "seconds": 1}, sent
    )
    if origin not in (f"http://{own}", f"https://{own}") or site not in (None, "same-origin"):
        assert answer.status in (400, 403)
        assert server.path.read_bytes() == before


@settings(
    deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(host=hosts)
def test_no_host_but_its_own_is_answered(server, host):
    found = server.ask(f"{server.base()}/state", headers={"Host": host})
    name = re.sub(r":\d{1,5}$", "", host.lower()).removesuffix(".")
    if name not in ("127.0.0.1", "localhost", "[::1]", "::1"):
        assert found.status in (400, 403), (host, found.content)


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    where=st.sampled_from(["vote", "undo"]),
    filling=st.sampled_from([b" ", b"x", b"[", b'"', b"\xff"]),
    size=st.integers(MOST_BYTES + 1, 40_000),
    whole=st.booleans(),
)
def test_a_post_that_is_too_large_is_refused_where_others_are_taken(
    server, where, filling, size, whole
):
    """Also one that would count if it were read: an answer, and blanks behind it."""
    pair = server.sessions.state("bob")["pairs"][0]["pair"]
    body = json.dumps({"pair": pair, "answer": "tie", "seconds": 1}).encode() if whole else b""
    before = server.path.read_bytes()
    body = body + filling * (size - len(body))
    assert server.ask(f"{server.base('bob')}/{where}", "POST", body).status == 413
    assert server.path.read_bytes() == before


json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)


@settings(
    deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    base=st.fixed_dictionaries(
        {}, optional=dict.fromkeys(("pair", "answer", "seconds", "vote"), json_values)
    ),
    more=st.dictionaries(st.text(max_size=9), json_values, max_size=2),
    known=st.booleans(),
    where=st.sampled_from(["vote", "undo"]),
)
def test_malformed_posts_change_nothing(server, base, more, known, where):
    """A post counts only if it has a known token, an answer of four, a time, and nothing else."""
    sent = {**base, **more}
    if known:
        sent["pair"] = server.sessions.state("bob")["pairs"][0]["pair"]
    good = set(sent) == {"pair", "answer", "seconds"} and sent["answer"] in ANSWERS
    before = server.path.read_bytes()
    answer = server.ask(f"{server.base('bob')}/{where}", "POST", json.dumps(sent).encode())
    if not good:
        assert answer.status in (404, 413, 422)
        assert server.path.read_bytes() == before


ANSWERS = ("left", "right", "tie", "skip")
