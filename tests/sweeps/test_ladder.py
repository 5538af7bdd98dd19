"""A manifest's own ladder: its rungs are swept, sized and named."""

import numpy as np
import pytest

from models import FAMILIES
from scaling.costs import costs, shape
from sweeps.manifest import loads
from sweeps.problems import ManifestError

BASE = """\
data: {source: digits}
model: {patch_size: 2}
train: {steps: 200}
"""


def sizes(text: str) -> dict[str, tuple[int, int, int]]:
    models = [run.config.model for run in loads(BASE + text).runs]
    return {m.rung: (m.depth, m.width, m.heads) for m in models}


def test_a_table():
    table = (
        "ladder: {table: {a: {depth: 2, width: 32, heads: 2}, b: {depth: 1, width: 64, heads: 4}}}"
    )
    assert sizes(table) == {"a": (2, 32, 2), "b": (1, 64, 4)}


def test_a_rule():
    rule = "ladder: {rule: {sizes: [1, 2], depth: 3, width: 16 * n, heads: n}}"
    assert sizes(rule) == {"n=1": (3, 16, 1), "n=2": (3, 32, 2)}


@pytest.mark.parametrize(
    ("kind", "quantity"),
    [("parameters", "parameters"), ("training_flops", "training_flops_per_image")],
)
def test_targets_are_met_in_the_runs_own_costs(kind, quantity):
    text = f"ladder: {{{kind}: [3.0e+6, 3.0e+7], head_width: 8}}"
    found = [getattr(costs(run.config), quantity) for run in loads(BASE + text).runs]
    assert found == pytest.approx([3e6, 3e7], rel=0.15)


def test_the_sweep_may_choose_among_own_and_shipped_rungs():
    text = (
        "ladder: {parameters: [1.0e5, 1.0e6]}\n"
        "sweep: {grid: {model.rung: [40k, N=1M], train.steps: [100, 200]}}\n"
    )
    runs = loads(BASE + text).runs
    assert [run.config.model.rung for run in runs] == ["40k", "40k", "N=1M", "N=1M"]


def test_sizes_may_be_swept_one_by_one():
    text = (
        "ladder: {table: {unused: {depth: 1, width: 8, heads: 1}}}\n"
        "sweep: {grid: {model.width: [32, 64]}}\n"
    )
    own = BASE.replace("patch_size: 2", "patch_size: 2, depth: 2, heads: 4, rung: mine")
    found = [run.config.model for run in loads(own + text).runs]
    assert [(m.depth, m.width, m.heads) for m in found] == [(2, 32, 4), (2, 64, 4)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("ladder: {}", "4:9: ladder: needs exactly one of table, rule, parameters"),
        (
            "ladder: {rule: {sizes: [1], depth: n / 2, width: 8, heads: 1}}",
            "4:16: ladder.rule: 'n / 2' is 0.5 at n = 1, not a whole number",
        ),
        ("ladder: {parameters: [0.0]}", "4:22: ladder.parameters: targets must be positive"),
        (
            "ladder: {table: {a: {depth: 2, width: 33, heads: 2}}}",
            "width 33 cannot be split into 2 heads",
        ),
        (
            "ladder: {table: {S: {depth: 2, width: 32, heads: 2}}}",
            "rung 'S' of the dit ladder has depth 12, not 2",
        ),
    ],
)
def test_mistakes_are_found_where_they_are_written(text, message):
    with pytest.raises(ManifestError) as error:
        loads(BASE + text)
    assert message in str(error.value)


def test_a_manifest_can_name_a_published_network(tmp_path):
    mean = np.zeros((1000, 32, 32, 4), np.float16)
    np.savez(tmp_path / "latents.npz", mean=mean, labels=np.arange(1000))
    text = f"""
data: {{source: latents, file: {tmp_path}/latents.npz, scale_factor: 0.18215}}
model: {{family: dit, rung: S, patch_size: 2, conditioning: class, published: true}}
train: {{steps: 200}}
"""
    published = next(p.shape for p in FAMILIES["dit"].published if p.name == "DiT-S/2")
    (run,) = loads(text).runs
    assert shape(run.config) == published
    assert costs(run.config).parameters == 32_865_056
    (plain,) = loads(text.replace(", published: true", "")).runs
    (false,) = loads(text.replace("true", "false")).runs
    assert plain.id == false.id != run.id
