"""Truths of every law, drawn by hypothesis within ranges in which its data show every parameter."""

import numpy as np
from hypothesis import strategies as st

X = np.geomspace(1e4, 3e7, 16)
MEAN = float(np.exp(np.log(X).mean()))
SIZES, STEPS = (
    axis.ravel() for axis in np.meshgrid(np.geomspace(1e6, 1e9, 6), np.geomspace(1e8, 1e11, 7))
)
UNIQUE = np.minimum(STEPS, np.resize([1e8, 1e9, 1e12], STEPS.shape))
N, D = (float(np.exp(np.log(values).mean())) for values in (SIZES, STEPS))
LOSSES = np.geomspace(0.3, 1.2, 16)
VARIABLES = {
    "joint": {"N": SIZES, "S": STEPS},
    "kaplan": {"N": SIZES, "S": STEPS},
    "preference_joint": {"N": SIZES, "S": STEPS},
    "repeated": {"N": SIZES, "D": STEPS, "U": UNIQUE},
    "metric_to_metric": {"x": LOSSES},
}


def variables_of(law: str) -> dict[str, np.ndarray]:
    """Where a law is measured: along one variable unless it is listed."""
    return VARIABLES.get(law, {"x": X})


EXPONENT, OF_ORDER_ONE = (0.1, 1.0), (0.2, 5.0)
RANGES = {
    "power": {"A": OF_ORDER_ONE, "alpha": EXPONENT},
    "floor": {"E": OF_ORDER_ONE, "A": OF_ORDER_ONE, "alpha": EXPONENT},
    "shifted": {"A": OF_ORDER_ONE, "alpha": EXPONENT, "x0": (0.3, 30.0)},
    "saturated": {
        "E": (0.1, 0.5),
        "A": (0.5, 2.0),
        "alpha": (0.4, 0.8),
        "gamma": (0.4, 0.8),
        "m": (3.0, 6.0),
    },
    "broken": {
        "E": (0.05, 0.2),
        "A": (0.5, 2.0),
        "c0": (0.2, 0.5),
        "c1": (0.3, 0.6),
        "d1": (0.3, 3.0),
        "f1": (0.15, 0.4),
    },
    "broken2": {
        "E": (0.03, 0.08),
        "A": (0.5, 2.0),
        "c0": (0.15, 0.3),
        "c1": (0.4, 0.6),
        "d1": (0.1, 0.3),
        "f1": (0.15, 0.25),
        "c2": (-0.5, -0.3),
        "g2": (20.0, 40.0),
        "f2": (0.15, 0.25),
    },
    "joint": {
        "E": OF_ORDER_ONE,
        "A": OF_ORDER_ONE,
        "B": OF_ORDER_ONE,
        "alpha": EXPONENT,
        "beta": EXPONENT,
    },
    "kaplan": {"A": OF_ORDER_ONE, "alpha": (0.05, 0.5), "beta": (0.05, 0.5), "k": (0.3, 3.0)},
    "repeated": {
        "E": (0.5, 2.0),
        "A": (0.2, 1.0),
        "B": (0.2, 1.0),
        "alpha": (0.3, 0.5),
        "beta": (0.3, 0.5),
        "R_N": (2.0, 20.0),
        "R_D": (2.0, 20.0),
    },
    "ceiling": {"C": (2.0, 5.0), "A": (0.1, 0.3), "alpha": (0.1, 0.4)},
    "preference": {"A": (0.02, 0.06), "alpha": (0.1, 0.4)},
    "preference_joint": {
        "A": (0.02, 0.06),
        "B": (0.02, 0.06),
        "alpha": (0.1, 0.25),
        "beta": (0.1, 0.25),
    },
    "preference_logit": {"H": (0.2, 2.0), "alpha": EXPONENT},
    "metric_to_metric": {
        "E": (0.3, 3.0),
        "K": (0.5, 3.0),
        "kappa": (0.6, 1.8),
        "E0": (0.1, 0.28),
    },
}
"""Of coefficients at the mean of the variables, and of positions in units of it."""

IN_DATA_UNITS = {
    "A": lambda p, law: OF_SIZE[law](p) if law in OF_SIZE else MEAN ** p.get("alpha", p.get("c0")),
    "B": lambda p, law: D ** p["beta"],
    "d1": lambda p, law: MEAN,
    "x0": lambda p, law: MEAN,
    "k": lambda p, law: D * N ** -(p["alpha"] / p["beta"]),
    "H": lambda p, law: MEAN ** p["alpha"],
}
OF_SIZE = {
    "joint": lambda p: N ** p["alpha"],
    "kaplan": lambda p: N ** p["alpha"],
    "preference_joint": lambda p: N ** p["alpha"],
    "repeated": lambda p: N ** p["alpha"],
    "saturated": lambda p: 1.0,
}
KNOWN = {
    "saturated": {"x0": MEAN},
    "preference": {"C": 0.5},
    "preference_logit": {"C": 0.5},
    "preference_joint": {"C": 0.5},
}


def truths(law: str) -> st.SearchStrategy[dict[str, float]]:
    """Parameters in the units of the data."""
    drawn = {name: st.floats(*ends) for name, ends in RANGES[law].items()}
    # With kappa 1 the law is a line, on which E and E0 cannot be told apart.
    shown = st.fixed_dictionaries(drawn).filter(lambda p: abs(p.get("kappa", 2) - 1) > 0.1)
    return shown.map(
        lambda p: (
            {
                name: value * IN_DATA_UNITS[name](p, law) if name in IN_DATA_UNITS else value
                for name, value in p.items()
            }
            | KNOWN.get(law, {})
        )
    )
