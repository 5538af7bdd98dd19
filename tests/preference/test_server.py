"""The page's server: what it gives, what it refuses, and that nothing it says tells the answer."""

import io
import json
import re
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from PIL import Image

from scaling.cli.adaptive_order import adaptive
from scaling.preference.server import MOST_BYTES
from scaling.preference.sessions import as_planned
from scaling.preference.votes import read
from tests.preference.serving import served
from tests.preference.test_pairs import made

TELLING = re.compile(r"run\d|real|degraded|generated|control|check|models|truth|fake|first|second")


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with served(made(6, 2), tmp_path_factory.mktemp("served")) as found:
        yield found


def test_a_rater_gets_pictures_votes_and_takes_back(tmp_path):
    pictures = made(6, 2)
    with served(pictures, tmp_path) as server:
        state = server.ask(f"{server.base()}/state").json
        pair = state["pairs"][0]
        known = server.sessions.tokens("anna").pair(pair["pair"])
        for side in ("left", "right"):
            found = server.ask(f"{server.base()}/picture/{pair[side]}.png")
            assert found.headers["content-type"] == "image/png"
            shown = np.asarray(Image.open(io.BytesIO(found.content)))
            source = known.first if (side == "left") == (known.left == "first") else known.second
            of = known.other_id if known.kind == "control" and source != known.first else ""
            assert (shown == pictures.find(source, of or known.prompt_id, known.pair)).all()
        body = {"pair": pair["pair"], "answer": "left", "seconds": 2}
        first = server.ask(f"{server.base()}/vote", "POST", body)
        again = server.ask(f"{server.base()}/vote", "POST", {**body, "answer": "tie"})
        assert first.status == again.status == 200 and first.json == again.json
        assert first.json["done"] == 1 and first.json["median_seconds"] == 2.0
        (vote,) = read(server.path).votes.values()
        assert vote.choice == known.left and vote.seconds == 2.0 and len(vote.protocol) == 8
        back = server.ask(f"{server.base()}/undo", "POST", {"vote": first.json["last"]})
        assert back.json["done"] == 0 and back.json["pairs"] == state["pairs"]
        assert not read(server.path).votes
        assert server.ask(f"{server.base('bob')}/state").json["done"] == 0


def test_nothing_that_is_sent_tells_which_is_which(server):
    """Page, addresses and answers: no word, and no difference in form, hangs on the sources."""
    words = [p.prompt for p in server.sessions.pairs]
    forms, tokens = set(), []
    for path in ("/", "/page.js", "/style.css"):  # which are the same for every pair
        found = server.ask(f"{server.base()}{path}").content.decode()
        assert not re.search(r"\b(run\d|real|generated|degraded)\b", found), path
    for pair in server.sessions.pairs:
        shown = server.sessions.tokens("anna").shown[pair.pair]
        told = [server.ask(f"{server.base()}/picture/{t}.png") for t in (shown.left, shown.right)]
        assert [answer.status for answer in told] == [200, 200]
        forms |= {
            tuple(sorted((k, v) for k, v in answer.headers.items() if k not in VARYING))
            for answer in told
        }
        chunks = [re.findall(rb"(IHDR|PLTE|tEXt|iTXt|zTXt|tIME|pHYs)", a.content) for a in told]
        assert chunks == [[b"IHDR"], [b"IHDR"]]
        tokens += [shown.left, shown.right, shown.pair]
    assert len(forms) == 1 and len(set(tokens)) == len(tokens)
    state = server.ask(f"{server.base()}/state").content.decode()
    for word in ("median_seconds", *words):
        state = state.replace(word, "")
    assert not TELLING.search(state)
    ids = [p.pair for p in server.sessions.pairs] + [p.prompt_id for p in server.sessions.pairs]
    assert not set(ids) & set(re.findall(r'"(\w+)"', state))


VARYING = {"content-length", "date"}


def test_every_answer_forbids_what_the_page_does_not_need(server):
    for path in ("/", "/nowhere", f"{server.base()}/", f"{server.base()}/state"):
        headers = server.ask(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert "server" not in headers and "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "attacker.example"},
        {"Host": "attacker.example:80"},
        {"Host": "127.0.0.1@attacker.example"},
        {"Host": "localhost.attacker.example"},
        {"Host": "127.0.0.1.attacker.example"},
        {"Host": ""},
        {"Host": "192.168.0.7"},  # of another machine's server, as this one is bound to loopback
        {"Origin": "http://attacker.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "http://127.0.0.1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_other_names_and_pages_of_elsewhere_are_refused(server, headers, method):
    path = f"{server.base()}/{'state' if method == 'GET' else 'vote'}"
    assert server.ask(path, method, b"{}" if method == "POST" else None, headers).status == 403


def test_a_post_needs_an_origin_and_a_link_from_elsewhere_may_open_the_page(server):
    gone = {"Origin": None}
    assert server.ask(f"{server.base()}/vote", "POST", {}, gone).status == 403
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert server.ask(f"{server.base()}/", headers=link).status == 200
    assert server.ask(f"{server.base()}/vote", "POST", {}, link).status == 403


def test_numbers_are_welcome_where_other_machines_may_come(tmp_path):
    with served(made(3, 1), tmp_path, host="0.0.0.0") as server:
        path = f"{server.base()}/state"
        for host in ("192.168.0.7:9000", "[fe80::1]:80", "localhost:1"):
            assert server.ask(path, headers={"Host": host}).status == 200
        assert server.ask(path, headers={"Host": "attacker.example"}).status == 403


def test_a_name_that_was_given_is_known_behind_a_server_with_https(tmp_path):
    with served(made(3, 1), tmp_path, names=("Votes.example",)) as server:
        path = f"{server.base()}/state"
        own = {"Host": "votes.example", "Origin": "https://votes.example"}
        assert server.ask(path, headers=own).status == 200
        assert server.ask(path, headers={**own, "Origin": "https://other.example"}).status == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 422),
        (b"{", 422),
        (b"\xff\xfe", 422),
        (b"[]", 422),
        (b"null", 422),
        (b"[" * 4000, 422),
        (b'{"pair": 1}', 422),
        (b"x" * 5000, 413),
        ({"pair": "0" * 32, "answer": "left", "seconds": 1.0}, 404),
        ({"pair": "0" * 32, "answer": "left", "seconds": -1.0}, 422),
        ({"pair": "0" * 32, "answer": "left", "seconds": 1e9}, 422),
        ({"pair": "0" * 32, "answer": "left", "seconds": "1"}, 422),
        ({"pair": "0" * 32, "answer": "left", "seconds": True}, 422),
        (b'{"pair": "' + b"0" * 32 + b'", "answer": "left", "seconds": NaN}', 422),
        ({"pair": "0" * 32, "answer": "first", "seconds": 1.0}, 422),
        ({"pair": "0" * 32, "answer": "left", "seconds": 1.0, "rater": "bob"}, 422),
        ({"pair": "../votes.jsonl", "answer": "left", "seconds": 1.0}, 422),
    ],
)
def test_posts_that_are_not_as_they_must_be_are_refused(server, body, status):
    assert server.ask(f"{server.base()}/vote", "POST", body).status == status


def test_other_types_and_methods_are_refused(server):
    path, body = f"{server.base()}/vote", {"pair": "0" * 32, "answer": "tie", "seconds": None}
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data", None):
        assert server.ask(path, "POST", body, {"Content-Type": kind}).status == 415
    for method in ("GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"):
        same = {"Origin": f"http://127.0.0.1:{server.port}"}
        assert server.ask(path, method, headers=same).status == 405


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


GROWING = adaptive({f"run{k}": 1e4 * 1.3**k for k in range(20)})


@pytest.mark.parametrize("order", [as_planned, GROWING], ids=["planned", "adaptive"])
def test_the_first_pair_of_ten_thousand_comes_within_a_second(tmp_path, order):
    with served(made(450, 20), tmp_path, ("anna",), order=order) as server:
        assert len(server.sessions.pairs) == 10_000
        begun = time.perf_counter()
        for path in ("/", "/style.css", "/page.js"):
            server.ask(f"{server.base()}{path}")
        pair = server.ask(f"{server.base()}/state").json["pairs"][0]
        for side in ("left", "right"):
            assert server.ask(f"{server.base()}/picture/{pair[side]}.png").status == 200
        assert time.perf_counter() - begun < 1
