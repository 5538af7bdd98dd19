"""Sizes solved for and by rule, against searches by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.ladder import Rung
from models.sizes import evaluate, solve


def block_parameters(rung: Rung) -> float:
    return 18.0 * rung.depth * rung.width**2


@settings(max_examples=8, deadline=None)
@given(st.floats(1e4, 1e9), st.sampled_from([8, 24, 64]))
def test_no_other_size_is_nearer_but_by_its_aspect(target, head_width):
    found = solve(block_parameters, target, head_width=head_width, aspect=(12.0, 41.0))
    others = [
        Rung(name="", depth=depth, width=width, heads=1)
        for width in range(head_width, 4000, head_width)
        for depth in range(math.ceil(width / 41) or 1, max(math.floor(width / 12), 1) + 1)
    ]
    nearest = min(abs(math.log(block_parameters(other) / target)) for other in others)
    assert found.width == found.heads * head_width
    assert found.depth == 1 or 12 <= found.width / found.depth <= 41
    assert abs(math.log(block_parameters(found) / target)) <= nearest + 0.02 * math.log(41 / 12)


def test_a_size_that_exists_is_found_again():
    known = Rung(name="", depth=12, width=384, heads=6)
    found = solve(block_parameters, block_parameters(known), head_width=64, aspect=(30.0, 34.0))
    assert found == known


@pytest.mark.parametrize("target", [0.0, -5.0, float("nan")])
def test_only_positive_targets(target):
    with pytest.raises(ValueError, match="must be positive"):
        solve(block_parameters, target, head_width=24, aspect=(12.0, 41.0))


@pytest.mark.parametrize(
    ("formula", "n", "expected"),
    [
        ("32 * n", 4, 128),
        ("2 * round(1.6 * n) + 1", 2, 7),
        ("max(1, floor(n / 2))", 1, 1),
        ("n ** 2 // 3 - -1", 4, 6),
        ("64", 9, 64),
    ],
)
def test_formulas(formula, n, expected):
    assert evaluate(formula, float(n)) == expected


@pytest.mark.parametrize(
    ("formula", "message"),
    [
        ("n / 2", "is 0.5 at n = 1, not a whole number"),
        ("m", "only n, numbers"),
        ("__import__('os').getcwd()", "only n, numbers"),
        ("(1).real", "only n, numbers"),
        ("n +", "cannot be computed"),
        ("1 / (n - 1)", "cannot be computed at n = 1: float division by zero"),
    ],
)
def test_other_formulas_are_refused(formula, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(").replace("+", r"\+")):
        evaluate(formula, 1.0)
