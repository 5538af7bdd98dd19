"""The plan of pairs: complete, balanced, spread, and the same for a seed."""

import json
from collections import Counter
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling.errors import InputError
from scaling.preference.directory import write_pairs
from scaling.preference.pairs import Shares, plan
from scaling.preference.pictures import Pictures, load
from scaling.preference.spacing import BLOCK
from sweeps.pictures import archives
from tests.preference.sweep import archive, captions, pictures, sweep


def made(prompts: int, runs: int, names: list[str] | None = None) -> Pictures:
    real = pictures(prompts, 8)
    return Pictures(
        captions=tuple(names or captions(prompts)),
        ids=tuple(str(7 * i) for i in range(prompts)),
        real=real,
        generated={f"run{k}": real // (k + 2) for k in range(runs)},
        protocols={f"run{k}": {"steps": 8} for k in range(runs)},
    )


def cases(test):
    many = given(prompts=st.integers(1, 25), runs=st.integers(1, 6), seed=st.integers(0, 99))
    return settings(deadline=None, max_examples=40)(many(test))


def test_what_earlier_pairs_were_stays_written(tmp_path):
    found = made(4, 2)
    both = plan(found, Shares(models=0.3), 0)
    every = set(write_pairs(tmp_path, both, found).values())
    write_pairs(tmp_path, plan(found, Shares(), 0), found)
    assert set(json.loads((tmp_path / "preference" / "protocols.json").read_text())) == every


@cases
def test_every_prompt_meets_every_run_once_and_no_pair_comes_twice(prompts, runs, seed):
    pairs = plan(made(prompts, runs), Shares(), seed)
    main = [(p.prompt_id, p.first) for p in pairs if p.kind == "generated_real"]
    assert len(main) == len(set(main)) == prompts * runs
    assert len({p.pair for p in pairs}) == len(pairs)
    assert pairs == plan(made(prompts, runs), Shares(), seed)


@cases
def test_sides_are_balanced_together_and_of_each_kind_of_sources(prompts, runs, seed):
    pairs = plan(made(prompts, runs), Shares(), seed)
    ahead = Counter()
    for done, pair in enumerate(pairs, start=1):
        ahead[pair.kind, pair.first] += 1 if pair.left == "first" else -1
        assert all(abs(balance) <= BLOCK // 2 for balance in ahead.values()), done
    assert all(abs(balance) <= 1 for balance in ahead.values())
    assert abs(sum(ahead.values())) <= 1


@cases
def test_a_prompt_stays_away_until_half_of_the_others_were_shown(prompts, runs, seed):
    shares = Shares(controls=0.0, checks=0.0)
    shown = [p.prompt_id for p in plan(made(prompts, runs), shares, seed)]
    for prompt in set(shown):
        places = [i for i, other in enumerate(shown) if other == prompt]
        assert all(b - a >= prompts // 2 for a, b in pairwise(places))


def test_runs_come_alike_often_in_every_round():
    pairs = plan(made(20, 6), Shares(controls=0.0, checks=0.0), 3)
    for k in range(6):
        counts = Counter(p.first for p in pairs[20 * k : 20 * (k + 1)])
        assert set(counts.values()) <= {3, 4}


@settings(deadline=None, max_examples=20)
@given(
    models=st.floats(0, 0.3),
    controls=st.floats(0, 0.2),
    checks=st.floats(0, 0.3),
    seed=st.integers(0, 9),
)
def test_the_others_have_their_share(models, controls, checks, seed):
    pairs = plan(made(30, 4), Shares(models=models, controls=controls, checks=checks), seed)
    counts = Counter(p.kind for p in pairs)
    for kind, share in (("models", models), ("control", controls), ("check", checks)):
        assert counts[kind] == pytest.approx(share * len(pairs), abs=2)


def test_no_side_of_a_pair_can_be_told_from_the_last():
    """Balanced blocks must not make sides alternate: what follows is a fair coin, roughly."""
    lefts = [p.left for p in plan(made(200, 5), Shares(), 1)]
    alike = np.mean([a == b for a, b in pairwise(lefts)])
    assert 0.42 < alike < 0.58


def test_two_real_pictures_share_a_caption_or_a_concept_where_they_can():
    same = plan(made(6, 3, ["cup"] * 3 + ["hat"] * 3), Shares(controls=0.2), 0)
    assert all(p.prompt in ("cup", "hat") for p in same if p.kind == "control")
    concept = [p for p in plan(made(40, 2), Shares(), 0) if p.kind == "control"]
    assert concept and all("," not in p.prompt for p in concept)
    apart = plan(made(3, 2, ["cup", "hat", "dog"]), Shares(controls=0.3), 0)
    for pair in (p for p in apart if p.kind == "control"):
        assert pair.prompt in ("cup", "hat", "dog") and pair.prompt_id != pair.other_id


def test_first_and_second_of_two_real_pictures_are_exchangeable():
    """Whose caption is shown is a coin: so ground truth against itself stands at one half."""
    names = [f"thing{i}" for i in range(60)]
    controls = [p for p in plan(made(60, 9, names), Shares(controls=0.5), 0) if p.kind == "control"]
    of_first = [p.prompt == names[int(p.prompt_id) // 7] for p in controls]
    assert len(of_first) > 400 and 0.44 < np.mean(of_first) < 0.56


def test_pictures_are_those_of_the_sources_and_a_check_is_spoilt():
    found = made(4, 2)
    real = found.find("real", "7", "x")
    assert (real == found.real[1]).all()
    assert (found.find("run1", "14", "x") == found.generated["run1"][2]).all()
    spoilt = found.find("degraded", "7", "x")
    assert (spoilt == found.find("degraded", "7", "x")).all()
    assert (spoilt != found.find("degraded", "7", "y")).any()
    error = np.abs(spoilt.astype(float) - real).mean()
    assert error > 60  # of 255: nobody takes it for the better one


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"captions": np.array(["other"] * 4)}, "its captions are not those of"),
        ({"real": pictures(4, 16, seed=5)}, "its real are not those of"),
        ({"ids": np.zeros(4, int)}, "its ids are not those of"),
        ({"images": np.zeros((4, 16, 16, 1), np.uint8)}, "images must be uint8"),
        ({"protocol": "not json"}, "not an archive"),
    ],
)
def test_archives_that_do_not_fit_are_refused(tmp_path, changes, told):
    good = archive(tmp_path / "a.npz", 4, 0)
    bad = archive(tmp_path / "b.npz", 4, 1, **changes)
    with pytest.raises(InputError, match=told) as caught:
        load({"a": good, "b": bad})
    assert "b.npz" in str(caught.value)


def test_the_last_archive_of_every_finished_run_is_found(tmp_path):
    store = sweep(tmp_path / "s", prompts=4)
    first, *_ = store.runs
    samples = first.directory / "attempts" / "1" / "samples"
    archive(samples / "preference-50.npz", 4, 0)
    (samples / "200.npz").write_bytes(b"")
    found, without = archives(store)
    assert [path.name for path in found.values()] == ["preference-200.npz"] * 3
    assert not without
    for path in samples.glob("preference*"):
        path.unlink()
    assert archives(store)[1] == [first.id]
