"""Laws of metrics that rise towards a limit, and of one metric in another."""

from typing import Any

import numpy as np

from analysis.laws.joint import JOINT
from analysis.laws.law import Law, Shape, Term, Values, constant, exponent, power
from analysis.laws.stable import log_logistic

CEILING = Law(
    name="ceiling",
    title="rise towards a ceiling",
    variables=("x",),
    terms=(constant("C"), power("A", "x", "alpha", sign=-1)),
    shapes=(exponent("alpha", 24, (0.02, 3.0)),),
    formula="y = C - A x^-alpha",
    latex=r"C - A\,x^{-\alpha}",
    source="the floor law upside down, for metrics of which more is better",
    residuals="linear",
)

PREFERENCE = Law(
    name="preference",
    title="preference rate that tends to one half",
    variables=CEILING.variables,
    terms=CEILING.terms,
    shapes=CEILING.shapes,
    formula="r = 1/2 - A x^-alpha",
    latex=r"\frac{1}{2} - A\,x^{-\alpha}",
    source="Gu 2024, arXiv 2407.18290, question 6: generated against real images",
    residuals="linear",
    weighting="standard_error",
    fixed={"C": 0.5},
)


PREFERENCE_JOINT = Law(
    name="preference_joint",
    title="preference rate that tends to one half in size and steps",
    variables=JOINT.variables,
    terms=(constant("C"), power("A", "N", "alpha", sign=-1), power("B", "S", "beta", sign=-1)),
    shapes=JOINT.shapes,
    formula="r = 1/2 - A N^-alpha - B S^-beta",
    latex=r"\frac{1}{2} - A\,N^{-\alpha} - B\,S^{-\beta}",
    source="the same limit, its gap as Hoffmann et al. 2022 have a loss above its floor",
    columns=JOINT.columns,
    residuals="linear",
    weighting="standard_error",
    fixed={"C": 0.5},
    derived=JOINT.derived,
)


def _logit(p: Values, v: Values) -> Any:
    """log of 2 s(-h) with s the logistic function and h = H x^-alpha, which tends to 0."""
    return np.log(2) + log_logistic(-p["H"] * v["x"] ** -p["alpha"])


PREFERENCE_LOGIT = Law(
    name="preference_logit",
    title="preference rate whose logit vanishes as a power",
    variables=("x",),
    terms=(Term(coefficient="C", log=_logit, parameters=("H", "alpha")),),
    shapes=(
        exponent("alpha", 8),
        Shape(
            name="H",
            bounds=(1e-4, 50.0),
            tried=(1e-2, 5.0),
            starts=6,
            unit=lambda mean, p: mean["x"] ** p["alpha"],
            positive=True,
        ),
    ),
    formula="log(r / (1 - r)) = -H x^-alpha",
    latex=r"\sigma(-H\,x^{-\alpha})",
    source="the same limit on the scale of Bradley & Terry 1952, where 0 < r < 1/2 always",
    residuals="linear",
    weighting="standard_error",
    fixed={"C": 0.5},
)


def _excess(p: Values, v: Values) -> Any:
    return p["kappa"] * np.log(v["x"] - p["E0"])


METRIC_TO_METRIC = Law(
    name="metric_to_metric",
    title="one metric as a shifted power of another",
    variables=("x",),
    terms=(
        constant("E"),
        Term(
            coefficient="K",
            log=_excess,
            parameters=("kappa", "E0"),
            degree=(("x", "kappa", 1),),
        ),
    ),
    shapes=(
        Shape(name="kappa", bounds=(1e-2, 1e1), tried=(0.3, 3.0), starts=8),
        Shape(name="E0", bounds=(0.0, 1.0), tried=(0.0, 1.0), starts=6, unit="x", below="x"),
    ),
    formula="y = E + K (x - E0)^kappa",
    latex=r"E + K\,(x - E_0)^{\kappa}",
    source="Brandfonbrener et al. 2024, arXiv 2411.12925, eq. 3: loss to loss",
    in_metric=True,
)
