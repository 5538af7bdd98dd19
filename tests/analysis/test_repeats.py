"""A sweep's table that has repeats is fitted by the law of repeated data as it stands."""

import numpy as np
import pandas as pd

import analysis
from analysis.laws import LAWS, evaluate


def test_the_law_of_repeats_reads_the_columns_of_a_sweep():
    known = {"E": 0.3, "A": 20.0, "B": 30.0, "alpha": 0.4, "beta": 0.45, "R_N": 5.0, "R_D": 15.0}
    rows = [
        (f"r{n:g}-{u}", n, d, min(d, u))
        for n in (1e3, 1e4, 1e5, 1e6)
        for u in (1e4, 1e5)
        for d in (1e4, 5e4, 2e5, 1e6, 4e6)
    ]
    frame = pd.DataFrame(rows, columns=["run", "parameters", "images", "unique_data"])
    variables = {"N": frame["parameters"], "D": frame["images"], "U": frame["unique_data"]}
    frame["value"] = evaluate(LAWS["repeated"], known, variables)
    frame = frame.assign(
        rung=frame["run"], steps=frame["images"] / 8, metric="importance_weighted_loss", seed=0
    )
    frame = frame.assign(weights="raw", split="held_out", log_snr=np.nan, status="finished")
    fit = analysis.fit(
        frame, law="repeated", settings=analysis.FitSettings(bootstrap=0, size="parameters")
    )
    for name in ("E", "alpha", "beta", "R_D"):
        assert abs(fit.parameters[name] / known[name] - 1) < 0.02
