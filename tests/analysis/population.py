"""A simulated population of raters whose utilities are known."""

import numpy as np
import pandas as pd


def population(
    utilities,
    *,
    prompts=60,
    raters=6,
    tie=0.0,
    prompt_spread=0.0,
    rater_spread=0.0,
    judge_bias=None,
    seed=0,
):
    """Votes on each run against real images, everyone on every prompt; `utilities` by run.

    By Davidson's model with log-odds utility + prompt's + rater's deviation; `tie` is log ν. With
    `judge_bias` a judge votes too, with its own utilities: these plus the bias of each run.
    """
    rng = np.random.default_rng(seed)
    of_prompt = rng.normal(0, prompt_spread, prompts)
    names = [f"rater {i}" for i in range(raters)]
    of_rater = dict(zip(names, rng.normal(0, rater_spread, raters), strict=True))
    frames = []
    judges = ["judge"] if judge_bias is not None else []
    for name in [*names, *judges]:
        for number, (run, utility) in enumerate(utilities.items()):
            bias = judge_bias[number] if name == "judge" else of_rater[name]
            win, _, lose = chances(utility + of_prompt + bias, tie)
            u = rng.random(prompts)
            choice = np.where(u < win, "first", np.where(u < win + lose, "second", "tie"))
            frames.append(
                pd.DataFrame({
                    "pair": [f"{run}/{i}" for i in range(prompts)],
                    "kind": "generated_real",
                    "prompt_id": [str(i) for i in range(prompts)],
                    "first": run,
                    "second": "real",
                    "left": rng.choice(["first", "second"], prompts),
                    "choice": choice,
                    "rater": name,
                    "rater_kind": "judge" if name == "judge" else "human",
                })
            )  # fmt: skip
    return pd.concat(frames, ignore_index=True)


def chances(utility, tie):
    """Of a win, a tie and a loss at log-odds `utility` of a win against a loss."""
    odds = np.stack([np.exp(utility / 2), np.full(np.shape(utility), np.exp(tie)),
                     np.exp(-utility / 2)])  # fmt: skip
    return odds / odds.sum(axis=0)


def true_rate(utility, tie, spread=0.0, nodes=61):
    """Expected points of the run, over a normal spread of log-odds."""
    x, weight = np.polynomial.hermite_e.hermegauss(nodes)
    win, draw, _ = chances(utility + spread * x, tie)
    return float(((win + draw / 2) * weight).sum() / weight.sum())
