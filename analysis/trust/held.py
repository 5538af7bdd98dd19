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


def beyond_sentence(found: Sequence[Beyond]) -> str:
    """How large the errors of one kind of hold-out are, and how many intervals hold them."""
    all_of = [item for each in found for item in each.predictions]
    words = {"compute": "more compute", "steps": "later steps", "rolling": "the next rung"}
    if not all_of:
        why = next((each.unsupported for each in found if each.unsupported), "nothing was held out")
        return f"No prediction of what was kept from the fit: {why}."
    inside = sum(item.inside for item in all_of)
    errors = np.array([item.error_percent for item in all_of])
    return (
        f"{find(found[0].law).title}: of {len(all_of)} predictions of {words[found[0].kind]}, "
        f"{inside} measurements lie in their interval; the mean error is {errors.mean():+.2g}%, "
        f"the largest {errors[np.abs(errors).argmax()]:+.2g}%."
    )


def held(kind: Kind, law: str, said: str, fitted: Fitted, told: Sequence[Prediction]) -> Beyond:
    """A fit with its predictions."""
    return Beyond(kind=kind, law=law, fitted=said, fit=fitted.fit, predictions=tuple(told))


def refused(kind: Kind, law: str, said: str, reason: object) -> Beyond:
    """No fit, with the reason."""
    return Beyond(kind=kind, law=law, fitted=said, fit=None, unsupported=str(reason))
