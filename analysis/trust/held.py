"""A fit to part of the points and its predictions of the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from analysis.fitted import Fit
from analysis.fitting import Fitted
from analysis.hold_out import Prediction
from analysis.laws import find

Kind = Literal["compute", "steps", "rolling"]
WORDS: dict[Kind, str] = {
    "compute": "more compute",
    "steps": "later steps",
    "rolling": "the next rung",
}
"""What each kind of hold-out asks for."""


@dataclass(frozen=True, kw_only=True)
class Beyond:
    """A law fitted to part of the points and what it says of the rest, or why it was not fitted.

    `fitted` says which points in words. A prediction is of one rung at one horizon.
    """

    kind: Kind
    law: str
    fitted: str
    fit: Fit | None
    predictions: tuple[Prediction, ...] = ()
    unsupported: str | None = None


def beyond_sentences(found: Sequence[Beyond]) -> list[str]:
    """One sentence for each kind of hold-out that was made."""
    kinds = [[each for each in found if each.kind == kind] for kind in WORDS]
    return [beyond_sentence(of_kind) for of_kind in kinds if of_kind]


def beyond_sentence(found: Sequence[Beyond]) -> str:
    """How large the errors of one kind of hold-out are, and how many intervals hold them."""
    words, all_of = WORDS[found[0].kind], [item for each in found for item in each.predictions]
    if not all_of:
        why = next((each.unsupported for each in found if each.unsupported), "nothing was held out")
        return f"No prediction of {words}: {why}."
    errors = np.array([item.error_percent for item in all_of])
    law, count = find(found[0].law).title, len(all_of)
    law = law[:1].upper() + law[1:]
    if count == 1:
        inside = f"its interval {'holds' if all_of[0].inside else 'misses'} the measurement"
        told = f"one prediction of {words}, in error by {errors[0]:+.2g}%"
        return f"{law}: {told}{_bounded(all_of, inside)}."
    inside = f"{sum(item.inside for item in all_of)} of the intervals hold the measurement"
    return (
        f"{law}: {count} predictions of {words}, in error by {errors.mean():+.2g}% on average and "
        f"{errors[np.abs(errors).argmax()]:+.2g}% at most{_bounded(all_of, inside)}."
    )


def _bounded(predictions: Sequence[Prediction], inside: str) -> str:
    """What intervals say, where there are any."""
    bounded = any(item.interval[0] < item.interval[1] for item in predictions)
    return f"; {inside}" if bounded else ""


def held(kind: Kind, law: str, said: str, fitted: Fitted, told: Sequence[Prediction]) -> Beyond:
    """A fit with its predictions."""
    return Beyond(kind=kind, law=law, fitted=said, fit=fitted.fit, predictions=tuple(told))


def refused(kind: Kind, law: str, said: str, reason: object) -> Beyond:
    """No fit, with the reason."""
    return Beyond(kind=kind, law=law, fitted=said, fit=None, unsupported=str(reason))
