"""Votes on disk: none lost, none twice, whatever happens in the middle."""

import json
import os
import threading

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import analysis.preference.votes as tables
from scaling.errors import InputError
from scaling.preference.pairs import Shares, plan
from scaling.preference.sessions import Sessions
from scaling.preference.tokens import Unknown
from scaling.preference.vote import Vote, now
from scaling.preference.votes import VoteFile, read
from tests.preference.test_pairs import made

PICTURES = made(6, 2)
PAIRS = plan(PICTURES, Shares(), 0)


def vote(number: int, **changes) -> Vote:
    told = {
        "vote": f"v{number}",
        "pair": f"p{number}",
        "kind": "generated_real",
        "prompt": "a “cup”,\nnoto",
        "prompt_id": str(number),
        "first": "run0",
        "second": "real",
        "left": "second",
        "choice": "tie",
        "rater": "anna",
        "at": now(),
        "seconds": 1.5,
        **changes,
    }
    return Vote(**told)


def sessions(path, raters=("anna", "bob"), **changes) -> Sessions:
    protocols = dict.fromkeys((pair.pair for pair in PAIRS), "0123abcd")
    given = {"pairs": PAIRS, "protocols": protocols, "raters": raters, "key": b"k", **changes}
    return Sessions(file=VoteFile(path), **given)


def answer(session: Sessions, rater: str, choice="left") -> str:
    """Answer the next pair; its token."""
    pair = session.state(rater)["pairs"][0]["pair"]
    session.vote(rater, pair, choice, 1.25)
    return pair


def test_a_file_cut_off_anywhere_gives_its_whole_lines_and_goes_on(tmp_path):
    path = tmp_path / "votes.jsonl"
    VoteFile(path).add(*(vote(i) for i in range(3)))
    content = path.read_bytes()
    ends = [i + 1 for i, byte in enumerate(content) if byte == ord("\n")]
    for cut in sorted({*range(0, len(content), 17), *ends, *(end - 1 for end in ends)}):
        path.write_bytes(content[:cut])
        whole = sum(end <= cut for end in ends)
        assert len(read(path).votes) == whole
        file = VoteFile(path)
        assert bool(file.notice) == (cut not in (0, *ends))
        file.add(vote(9))
        assert [*read(path).votes] == [f"v{i}" for i in range(whole)] + ["v9"]


def test_a_line_that_is_no_vote_is_named(tmp_path):
    path = tmp_path / "votes.jsonl"
    VoteFile(path).add(vote(0))
    for bad in ("{", '{"vote": "x"}', json.dumps({**vars(vote(1)), "choice": "best"})):
        path.write_text(path.read_text().splitlines()[0] + f"\n{bad}\n")
        with pytest.raises(InputError, match=r"votes.jsonl:2: not a vote"):
            read(path)
        with pytest.raises(ValueError, match=r"votes.jsonl:2: "):
            tables.read(path)


def test_an_append_is_on_the_disk_before_it_is_answered(tmp_path, monkeypatch):
    """Where the disk refuses, nothing is recorded, in memory either, and the next try is whole."""
    session = sessions(tmp_path / "votes.jsonl")
    pair = session.state("anna")["pairs"][0]["pair"]

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            session.vote("anna", pair, "left", 1.0)
    assert session.state("anna")["done"] == 0 and not read(tmp_path / "votes.jsonl").votes
    session.vote("anna", pair, "left", 1.0)
    assert len(read(tmp_path / "votes.jsonl").votes) == 1


@settings(
    deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=st.lists(st.sampled_from(["left", "right", "tie", "skip", "undo", "again", "crash"])))
def test_a_rater_who_votes_undoes_repeats_and_loses_the_server(tmp_path_factory, steps):
    """Against a plain list: what a rater holds is what they answered and did not take back."""
    path = tmp_path_factory.mktemp("votes") / "votes.jsonl"
    session = sessions(path)
    told: list[tuple[str, str]] = []
    for step in steps:
        state = session.state("anna")
        if step == "crash":
            session = sessions(path)
        elif step == "undo" and state["last"]:
            session.undo("anna", state["last"])
            session.undo("anna", state["last"])
            back, _ = told.pop()
            assert session.state("anna")["pairs"][0]["pair"] == back
        elif step == "again" and told:
            session.vote("anna", told[-1][0], "tie", 1.0)
        elif step in ("left", "right", "tie", "skip") and state["pairs"]:
            told.append((answer(session, "anna", step), step))
        state = session.state("anna")
        assert (state["done"], state["left"]) == (len(told), len(PAIRS) - len(told))
    frame = tables.read(path)
    tokens = session.tokens("anna")
    expected = [tokens.pair(token) for token, _ in told]
    assert frame["pair"].tolist() == [pair.pair for pair in expected]
    for row, pair, (_, choice) in zip(frame.itertuples(), expected, told, strict=True):
        side = {"left": pair.left, "right": "second" if pair.left == "first" else "first"}
        assert (row.choice, row.left) == (side.get(choice, choice), pair.left)


def test_two_raters_at_once_and_repeated_posts_lose_and_double_nothing(tmp_path):
    session = sessions(tmp_path / "votes.jsonl")

    def work(rater):
        while pairs := session.state(rater)["pairs"]:
            session.vote(rater, pairs[0]["pair"], "left", 1.0)

    threads = [threading.Thread(target=work, args=(r,)) for r in ("anna", "bob") * 3]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    frame = tables.read(tmp_path / "votes.jsonl")
    assert len(frame) == 2 * len(PAIRS)
    assert not frame.duplicated(["rater", "pair"]).any()


def test_an_order_of_ones_own_is_followed_and_sees_the_votes(tmp_path):
    seen = []

    def last_first(pairs, votes):
        seen.append(len(votes))
        return pairs[::-1]

    session = sessions(tmp_path / "votes.jsonl", order=last_first)
    for k in range(3):
        token = answer(session, "anna")
        assert session.tokens("anna").pair(token) == PAIRS[-1 - k]
    assert max(seen) == 2


def test_tokens_are_a_raters_own_and_differ_for_every_picture(tmp_path):
    session = sessions(tmp_path / "votes.jsonl")
    shown = [s for rater in ("anna", "bob") for s in session.tokens(rater).shown.values()]
    tokens = [token for s in shown for token in (s.pair, s.left, s.right)]
    assert len(set(tokens)) == len(tokens)
    with pytest.raises(Unknown):
        session.vote("bob", session.state("anna")["pairs"][0]["pair"], "left", 1.0)
    answer(session, "anna")
    with pytest.raises(Unknown):
        session.undo("bob", session.state("anna")["last"])
