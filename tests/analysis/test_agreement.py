"""Orders of two metrics, on models whose order is plain."""

from analysis.agreement import Model, agreement
from analysis.rungs import Mean


def model(name: str, loss: float, bits: float, error: float = 0.01) -> Model:
    return Model(
        name=name,
        loss=Mean(value=loss, standard_error=error),
        bits=Mean(value=bits, standard_error=error),
    )


def test_disagreements_are_pairs_that_both_tell_apart():
    found = agreement(
        [model("a", 1.0, 3.0), model("b", 0.9, 3.2), model("c", 0.8, 2.9), model("d", 0.801, 2.0)]
    )
    # a-b: ordered oppositely. c-d: the loss does not tell them apart.
    assert found.disagreements == (("b", "a"),)
    assert found.told_apart == 5
    assert "b has the lower loss, a the higher likelihood" in found.sentence()


def test_agreement_is_said_plainly():
    found = agreement([model("a", 1.0, 3.0), model("b", 0.9, 2.5)])
    assert found.sentence() == (
        "Loss and likelihood order all 1 pair of models that both tell apart alike."
    )


def test_without_repeats_nothing_is_told_apart():
    unknown = float("nan")
    found = agreement([model("a", 1.0, 3.0, unknown), model("b", 0.5, 9.0, unknown)])
    assert found.told_apart == 0
    assert found.disagreements == ()
    assert agreement([model("a", 1.0, 3.0)]) is None
