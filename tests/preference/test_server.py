"""The page's server: what it gives, what it refuses, and that nothing it says tells the answer."""

import io
import re
import time

import numpy as np
import pytest
from PIL import Image

from scaling.cli.adaptive_order import adaptive
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
