"""The search for the target's order: its score against counting, its fits against an optimiser."""

from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import minimize

from analysis.metrics.clusters import indicator
from analysis.metrics.ordering import RIDGE, comparable, misordered, walk_order
from analysis.metrics.scores import sign_flip
from analysis.metrics.search import STRENGTHS, search_arrays
from analysis.metrics.sheets import weightings_sheet
from analysis.metrics.smooth import Problem, roughness
from analysis.metrics.weightings import cells
from tests.analysis.weighted import LOG_SNR, jitter, level_losses, peaked, published, weighted

TRUE = peaked(LOG_SNR)


def of(target_of, seed=0, within=True, noise=0.004, **options):
    rung, losses = level_losses(seed=seed)
    target = target_of(weighted(losses, TRUE)) * jitter(len(rung), noise, seed)
    groups = rung if within else None
    return search_arrays(LOG_SNR, losses, target, rung, groups=groups, count=0, **options)


@pytest.mark.parametrize("within", [False, True])
def test_shares_are_those_of_counting_pairs(within):
    rng = np.random.default_rng(0)
    rungs = np.arange(4).repeat(3)
    target, scores = rng.integers(0, 6, 12).astype(float), rng.integers(0, 6, 12).astype(float)
    signs = comparable(target, rungs, rungs if within else None)
    found = misordered(scores, signs, indicator(rungs))
    for g in range(4):
        wrong = pairs = 0.0
        for i, j in combinations(range(12), 2):
            if (rungs[i] == rungs[j]) != within or target[i] == target[j]:
                continue
            ours = (rungs[i] == g) + (rungs[j] == g)
            agree = (target[i] - target[j]) * (scores[i] - scores[j])
            wrong += ours * (0.5 if agree == 0 else agree < 0)
            pairs += ours
        assert found[g] == pytest.approx(wrong / pairs)


def test_only_the_order_of_the_target_is_read():
    """Any rising function of the target leaves the search as it was, a falling one but the sign."""
    rung, losses = level_losses(seed=1)
    target = weighted(losses, TRUE) * jitter(len(rung), 0.004, 1)
    shapes = (
        lambda t: t,
        lambda t: np.exp(5 * t / t.mean()),
        np.arctan,
        lambda t: 1 / t,
    )
    scores = [
        search_arrays(LOG_SNR, losses, shape(target), rung, count=0).by_order.rung_orders
        for shape in shapes
    ]
    for other in scores[1:]:
        assert other == pytest.approx(scores[0])


def test_a_known_weighting_orders_runs_of_a_rung_better_than_the_published():
    """Over eight draws of eight rungs of three seeds; guessing gives a half."""
    found = [of(lambda x: x**2, seed) for seed in range(8)]
    ours = np.mean([item.by_order.order for item in found])
    best = np.mean([max(score.order for score in item.fixed) for item in found])
    each = np.mean([[score.order for score in item.fixed] for item in found], axis=0)
    assert ours > 0.85
    assert ours > each.max() > 0.5
    assert best < 1
    assert all(item.order_verdict != "nothing" for item in found)


def test_a_published_loss_is_put_in_order_by_its_own_weighting():
    rung, losses = level_losses()
    target = 3 * published(losses, "sigmoid") ** 1.5
    found = search_arrays(LOG_SNR, losses, target, rung, groups=rung, count=0)
    (own,) = [score for score in found.fixed if score.name == "sigmoid"]
    assert (own.order, set(own.rung_orders)) == (1.0, {1.0})
    assert found.order_verdict == "not better"
    assert "not told to be better than the best published one" in found.order_sentence()


def test_noise_is_put_in_order_by_nothing_more_often_than_chance_allows():
    rung, losses = level_losses()
    told = [
        search_arrays(LOG_SNR, losses, jitter(len(rung), 0.3, seed), rung, groups=rung, count=0)
        for seed in range(12)
    ]
    assert sum(item.order_verdict != "nothing" for item in told) <= 2
    assert abs(np.mean([item.by_order.order for item in told]) - 0.5) < 0.1
    nothing = next(item for item in told if item.order_verdict == "nothing")
    assert "better than guessing" in nothing.order_sentence()


def test_no_run_of_a_rung_that_is_left_out_takes_part():
    rung, losses = level_losses(rungs=6)
    member, parts = indicator(rung), cells(LOG_SNR) * losses
    y = np.log(weighted(losses, TRUE) * jitter(len(rung), 0.01))
    problem = Problem(parts=parts, y=y, penalty=roughness(LOG_SNR))
    without = 1 - member.T[2:3]

    def scores(target):
        return walk_order(problem, comparable(target, rung, None), without, STRENGTHS).predicted

    changed = np.where(rung == 2, -y, y)
    assert np.array_equal(scores(y), scores(changed))


def test_the_fits_reach_the_optimum_of_a_general_optimiser():
    rung, losses = level_losses(seed=1)
    y = np.log(weighted(losses, TRUE)) + np.log(jitter(len(rung), 0.05))
    parts, penalty = cells(LOG_SNR) * losses, roughness(LOG_SNR)
    problem = Problem(parts=parts / parts.mean(axis=0).sum(), y=y, penalty=penalty)
    signs = comparable(y, rung, None)
    path = walk_order(problem, signs, np.ones((1, len(rung))), STRENGTHS)
    scale = problem.x(np.zeros((1, len(LOG_SNR))))[0].std()
    weight = np.abs(signs) / np.abs(signs).sum()

    def objective(q, strength):
        f = q[-1] * problem.x(q[None, :-1])[0] / scale
        loss = (weight * np.logaddexp(0, -signs * (f[:, None] - f))).sum() / np.log(2)
        return loss + strength * q[:-1] @ penalty @ q[:-1] + RIDGE * q[-1] ** 2

    for s in (0, 3):
        ours = objective(np.append(path.theta[s, 0], path.slope[s, 0]), STRENGTHS[s])
        start = np.append(np.zeros(len(LOG_SNR)), 1.0)
        theirs = minimize(objective, start, (STRENGTHS[s],), method="BFGS").fun
        assert ours < theirs * 1.002


def test_the_largest_of_several_gains_is_not_taken_for_the_only_one():
    rng = np.random.default_rng(0)
    one = [sign_flip(rng.standard_normal((1, 8))) for _ in range(200)]
    most = [sign_flip(rng.standard_normal((6, 8))) for _ in range(200)]
    for found in (one, most):
        assert np.mean(np.array(found) < 0.05) < 0.1
    gains = rng.standard_normal((6, 8))
    assert sign_flip(gains) >= sign_flip(gains[gains.mean(axis=1).argmax()])


def test_the_sheet_has_both_searches_and_their_order():
    found = of(lambda x: x**2)
    sheet = weightings_sheet([found])
    rows = {row[2]: dict(zip(sheet.headings, row, strict=True)) for row in sheet.rows}
    assert rows["searched for order"]["note"] == found.order_verdict
    assert (
        rows["searched for order"]["pairs in order left out"]
        == f"{100 * found.by_order.order:.1f}%"
    )
    assert all(row["pairs in order left out"] for row in rows.values())
