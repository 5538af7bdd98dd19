"""What one process measures: started by benchmarks.steps on the cores that it is to stay on.

Reads one job (JSON) from its first argument, says "ready" once all is compiled, begins when a line
comes on standard input, and prints one line of JSON.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from scaling import environment
from scaling.config import RunConfig
from scaling.costs import costs
from scaling.data.order import batch_indices
from scaling.data.source import load
from scaling.train.program import make_program
from scaling.train.program import rates as rates_of

MATMUL_SIZE = 1536
CALL_SECONDS = 0.4  # of a call that is timed: shorter ones hide nothing, longer ones are few


def start_together() -> None:
    """Wait for whoever started this process."""
    print("ready", flush=True)
    sys.stdin.readline()


def timed(call: Callable[[], Any], seconds: float, least: int = 3) -> tuple[float, float]:
    """Median wall seconds of a call, and mean CPU seconds of this process, over about `seconds`."""
    call()
    walls: list[float] = []
    cpu, end = time.process_time(), time.perf_counter() + seconds
    while len(walls) < least or time.perf_counter() < end:
        start = time.perf_counter()
        call()
        walls.append(time.perf_counter() - start)
    return statistics.median(walls), (time.process_time() - cpu) / len(walls)


def matmul(seconds: float) -> dict[str, float]:
    """FLOP/s of a square float32 product, about the most that this process can reach."""
    a = jnp.ones((MATMUL_SIZE, MATMUL_SIZE))
    product = jax.jit(lambda a: a @ a)
    product(a).block_until_ready()
    start_together()
    wall, _ = timed(lambda: product(a).block_until_ready(), seconds)
    return {"flops_per_second": 2 * MATMUL_SIZE**3 / wall}


def training(
    config: RunConfig, runs: int, steps_per_call: int, seconds: float, level: int | None = None
) -> dict[str, float]:
    """Steps of a cohort of `runs` equal runs with different seeds, and what a call costs besides.

    `level` replaces LLVM's optimisation level; the seconds of compiling are without and with the
    entry that the first compilation left in the persistent cache.
    """
    source = load(config.data)
    seeds = np.arange(runs, dtype=np.int32)
    batch, k = config.train.batch_size, steps_per_call

    def indices() -> np.ndarray:
        if source.examples is None:
            return np.zeros((runs, k, batch), np.int32)
        drawn = [batch_indices(int(seed), 0, k, batch, source.examples) for seed in seeds]
        return np.array(drawn, np.int32)

    program = make_program(config, source)
    numbers = [rates_of(config)] * runs
    rates = jax.tree.map(lambda *leaves: jnp.stack(leaves), *numbers)
    fixed = (seeds, rates, source.arrays, jnp.asarray(indices()))
    state = program.init(seeds)

    def compile_program() -> tuple[float, float, Any]:
        start = time.perf_counter()
        lowered = make_program(config, source).advance.lower(
            state, *fixed, np.int32(0), np.int32(0)
        )
        traced = time.perf_counter()
        options = {} if level is None else {"xla_backend_optimization_level": level}
        compiled = lowered.compile(compiler_options=options)
        return traced - start, time.perf_counter() - traced, compiled

    trace, cold, _ = compile_program()
    _, warm, advance = compile_program()

    def call(count: int, times: int = 1) -> None:
        nonlocal state
        for first in range(times):
            state = advance(state, *fixed, np.int32(first), np.int32(count))
        jax.block_until_ready(state)

    start_together()
    call(1)
    one_step, _ = timed(lambda: call(1), 0.0)
    k = max(2, min(k, round(CALL_SECONDS / one_step)))
    one_call, cpu = timed(lambda: call(k), seconds)
    _, many_cpu = timed(lambda: call(1, times=k), seconds / 2)
    empty_call, _ = timed(lambda: call(0), 0.2)
    drawing, _ = timed(indices, 0.2)
    return {
        "steps_per_second": k / one_call,
        "cpu_per_step": cpu / k,
        "flops_per_step": costs(config).training_flops_per_image * batch,
        "trace": trace,
        "compile_cold": cold,
        "compile_warm": warm,
        "many_calls": many_cpu / cpu,
        "empty_call": empty_call,
        "drawing": drawing,
        "steps": k,
        "call": one_call,
    }


def main(job: dict[str, Any]) -> None:
    """Measure one job and print the result."""
    environment.use_compilation_cache(Path(job["cache"]))
    if "config" in job:
        config = RunConfig.model_validate(job["config"])
        found = training(
            config, job["runs"], job["steps_per_call"], job["seconds"], job.get("level")
        )
    else:
        found = matmul(job["seconds"])
    print(json.dumps(found), flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
