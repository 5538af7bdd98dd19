"""Run by test_sharding.py in a process of its own that sees eight devices: prints JSON."""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax.sharding import Mesh

from scaling.costs import costs, device_bytes
from scaling.data.order import batch_indices
from scaling.data.source import Source, load
from scaling.measure.features.network import Network, compiled, extract
from scaling.run import Member, run_cohort
from scaling.train import sharding
from scaling.train.program import TrainState, make_program
from scaling.train.program import rates as rates_of
from tests.scaling.conftest import PATIENT, tiny

STEPS, BATCH = PATIENT.steps_per_call, 16
MIXTURE = {"source": "mixture", "size": 4, "components": 4}
SOURCES = {
    "mixture": MIXTURE,
    "digits": {"source": "digits"},
}
# Every example's own key says what it drops, and u learns from the whole batch.
EDM2 = {
    "model": {"family": "edm2", "depth": 1, "width": 8, "heads": 1, "patch_size": 1},
    "diffusion": {"log_variance": {"name": "learned"}},
    "train__dropout": 0.3,
}
UVIT = {"model": {"family": "uvit", "depth": 3, "width": 16, "heads": 1, "patch_size": 2}}
# Devices along `run` and along `fsdp`, of eight; the others go to `data`.
SPLITS = {"mixture": ((2, 2),)}
EVERY_SPLIT = {
    "mixture": tuple((run, f) for run in (1, 2, 4, 8) for f in (1, 2, 4, 8) if run * f <= 8),
    "digits": ((2, 1),),
}


def configs(data: dict, runs: int = 4, **changes: Any) -> list:
    """Runs that differ in their seed and their rate."""
    rates = np.linspace(3e-3, 1e-3, runs).tolist()
    return [
        tiny(
            data=data,
            seed=seed,
            train__batch_size=BATCH,
            train__learning_rate=rate,
            measure__samples={"count": 0},
            measure__train_examples=0,
            # One block is quick to compile; its axes can be split into eight.
            **{"model": {"patch_size": 2, "depth": 1, "width": 16, "heads": 1}} | changes,
        )
        for seed, rate in enumerate(rates)
    ]


def arguments(members: list, source: Source, state: TrainState, mesh: Mesh | None = None) -> list:
    """What `advance` takes, laid out on the mesh as a cohort does."""
    seeds = np.array([c.seed for c in members], np.int32)
    rates = jax.tree.map(
        lambda *leaves: np.stack(leaves),
        *[rates_of(c) for c in members],
    )
    indices = np.zeros((len(seeds), STEPS, BATCH), np.int32)
    if source.examples is not None:
        for run, seed in enumerate(seeds):
            indices[run] = batch_indices(int(seed), 0, STEPS, BATCH, source.examples)
    values = [state, seeds, rates, source.arrays, indices]
    if mesh is not None:
        run = sharding.per_run(mesh)
        places = [
            sharding.of_states(mesh, state),
            None,
            run,
            sharding.replicated(mesh),
            sharding.per_example(mesh),
        ]
        values = [jax.device_put(v, p) if p else v for v, p in zip(values, places, strict=True)]
    return [*values, np.int32(0), np.int32(STEPS)]


def differences(one: Any, other: Any) -> list[float]:
    """Of each pair of leaves the largest difference, over their largest entry."""

    def of(a: Any, b: Any) -> float:
        a, b = (np.asarray(each, np.float64) for each in (a, b))
        return float(np.abs(a - b).max() / max(np.abs(a).max(), np.abs(b).max(), 1e-30))

    return jax.tree.leaves(jax.tree.map(of, one, other))


def apart(one: Any, other: Any) -> float:
    """The largest of these differences."""
    return max(differences(one, other), default=0.0)


def whole(members: list) -> tuple:
    """The cohort's program on one device: configurations, source, first and last state, FLOPs."""
    source = load(members[0].data)
    program = make_program(members[0], source)
    first = jax.device_get(program.init(np.array([c.seed for c in members], np.int32)))
    values = arguments(members, source, first)
    compiled = program.advance.lower(*values).compile()
    state = jax.device_get(compiled(*values))
    moved = float(np.median(differences(first.parameters, state.parameters)))
    # One device takes the runs one after another, and the analysis counts a loop's body once.
    return members, source, first, state, moved, len(members) * compiled.cost_analysis()["flops"]


def split(name: str, along_run: int, fsdp: int, reference: tuple) -> dict:
    """The same on eight devices, so many of them along `run` and `fsdp`."""
    members, source, first, expected, moved, flops = reference
    mesh = sharding.make_mesh(along_run, BATCH, fsdp=fsdp)
    program = make_program(members[0], source, mesh)
    values = arguments(members, source, first, mesh)
    compiled = program.advance.lower(*values).compile()
    state = compiled(*values)
    text = compiled.as_text()
    image = f"{source.facts.size},{source.facts.size},1]"
    runs = len(members)
    local = f"f32[{runs // along_run},{BATCH * along_run // 8},{image}"
    return {
        "name": name,
        "mesh": list(mesh.shape.values()),
        "moved": moved,
        "apart": {
            "parameters": apart(expected.parameters, state.parameters),
            "averages": apart(expected.averages, state.averages),
            "losses": apart(expected.loss_sum, state.loss_sum),
            "log-variance": apart(expected.log_variance, state.log_variance),
        },
        "flops": compiled.cost_analysis()["flops"] / flops,
        "has_whole_batches": f"f32[{runs},{BATCH},{image}" in text,
        "has_local_batches": local in text,
        "devices": [len(leaf.sharding.device_set) for leaf in jax.tree.leaves(state)],
        "share": sum(leaf.addressable_shards[0].data.size for leaf in jax.tree.leaves(state))
        / sum(leaf.size for leaf in jax.tree.leaves(state)),
        "runs_each": [leaf.sharding.shard_shape(leaf.shape)[0] for leaf in jax.tree.leaves(state)],
    }


def cohort(directory: Path) -> None:
    """The cohort of mixture runs, into directory/<number>."""
    members = []
    for number, config in enumerate(configs(SOURCES["mixture"])):
        (directory / str(number)).mkdir(parents=True)
        members.append(Member(config=config, directory=directory / str(number)))
    run_cohort(members, execution=PATIENT)


def report(splits_of: dict[str, tuple[tuple[int, int], ...]], runs: int) -> list[dict]:
    """These splits of so many runs of these sources."""
    found = []
    for name, splits in splits_of.items():
        reference = whole(configs(SOURCES[name], runs))
        found += [split(name, *sizes, reference) for sizes in splits]
    return found


def largest() -> dict[str, float]:
    """Memory of the XL's program on each of eight devices, in bytes, never allocated.

    Seconds are those of lowering and compiling.
    """
    config = tiny(
        data={"source": "emoji", "size": 32},
        model={"rung": "XL", "patch_size": 2},
        train__batch_size=64,
        train__rematerialise="all",
        train__precision="bfloat16",
    )
    source = load(config.data)
    mesh = sharding.make_mesh(1, config.train.batch_size, fsdp=8)
    program = make_program(config, source, mesh)

    def placed(leaf: Any, place: Any) -> jax.ShapeDtypeStruct:
        return jax.ShapeDtypeStruct(leaf.shape, leaf.dtype, sharding=place)

    def all_placed(tree: Any, place: Any) -> Any:
        return jax.tree.map(lambda leaf: placed(leaf, place), tree)

    seeds = np.zeros(1, np.int32)
    state = program.init.eval_shape(seeds)
    run = sharding.per_run(mesh)
    indices = np.zeros((1, 2, config.train.batch_size), np.int32)
    start = time.perf_counter()
    compiled = program.advance.lower(
        jax.tree.map(placed, state, sharding.of_states(mesh, state)),
        all_placed(seeds, run),
        all_placed(jax.tree.map(lambda x: x[None], rates_of(config)), run),
        all_placed(source.arrays, sharding.replicated(mesh)),
        all_placed(indices, sharding.per_example(mesh)),
        np.int32(0),
        np.int32(0),
    ).compile()
    memory = compiled.memory_analysis()
    return {
        "seconds": time.perf_counter() - start,
        "compiled": memory.argument_size_in_bytes + memory.temp_size_in_bytes,
        "planned": device_bytes(config, devices=8, fsdp=8),
        "state": costs(config).state_bytes,
        "allocated": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
    }


def features() -> dict[str, Any]:
    """Of 67 images, by a network whose every call says over how many devices it is split."""
    seen: list[int] = []

    def forward(weights: Any, pixels: Any) -> tuple[Any, Any]:
        jax.debug.inspect_array_sharding(
            pixels, callback=lambda place: seen.append(len(place.device_set))
        )
        found = jax.numpy.tanh(pixels.reshape(len(pixels), -1) / 255 @ weights)
        return found, found[:, :3] ** 2

    rng = np.random.default_rng(0)
    weights = rng.normal(size=(16 * 16 * 3, 20)).astype(np.float32) / 16
    images = rng.integers(0, 256, size=(67, 16, 16, 3), dtype=np.uint8)
    network = Network(name="bent", sha256="", size=16, apply=compiled(forward, weights))
    made, logits = extract(network, images)
    assert logits is not None
    return {"features": made.tolist(), "logits": logits.tolist(), "devices": sorted(set(seen))}


if __name__ == "__main__":
    assert jax.device_count() == 8
    if sys.argv[1] == "largest":
        print(json.dumps(largest()))
        sys.exit()
    sharding.WORTH_SPLITTING = 64  # the networks here are tiny
    if sys.argv[1] in ("edm2", "uvit"):
        members = configs(MIXTURE, **{"edm2": EDM2, "uvit": UVIT}[sys.argv[1]])
        print(json.dumps(split(sys.argv[1], 2, 2, whole(members))))
        sys.exit()
    if sys.argv[1] == "every split":
        print(json.dumps(report(EVERY_SPLIT, runs=8)))
        sys.exit()
    cohort(Path(sys.argv[1]))
    print(json.dumps({"splits": report(SPLITS, runs=4), "features": features()}))
