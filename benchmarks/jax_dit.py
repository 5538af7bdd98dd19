"""Our training steps for benchmarks.against_torch: the very program that `scaling run` compiles.

Reads one job (JSON) from its first argument.
"""

import json
import sys
import time
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.measure import MATMUL_SIZE
from benchmarks.rounds import serve
from scaling import environment
from scaling.config import RunConfig
from scaling.costs import costs
from scaling.data.order import batch_indices
from scaling.data.source import load
from scaling.train.program import make_program
from scaling.train.program import rates as rates_of

STEPS_PER_CALL = 50


def matmul(count: int) -> None:
    """Square float32 products."""
    a = jnp.ones((MATMUL_SIZE, MATMUL_SIZE))
    for _ in range(count):
        (a @ a).block_until_ready()


def main(job: dict[str, Any]) -> None:
    """Serve one job."""
    if "config" not in job:
        serve(matmul, {"flops_per_step": 2 * MATMUL_SIZE**3})
        return
    environment.use_compilation_cache(Path(job["cache"]))
    config = RunConfig.model_validate(job["config"])
    batch, seeds = config.train.batch_size, np.zeros(1, np.int32)
    source = load(config.data)
    rates = jax.tree.map(lambda number: number[None], rates_of(config))
    indices = batch_indices(0, 0, STEPS_PER_CALL, batch, source.examples)[None]
    fixed = (seeds, rates, source.arrays, jnp.asarray(indices, jnp.int32))
    state = make_program(config, source).init(seeds)

    cpu, start = time.process_time(), time.perf_counter()
    lowered = make_program(config, source).advance.lower(state, *fixed, np.int32(0), np.int32(0))
    traced_cpu = time.process_time()
    program = lowered.compile()
    compiled, compiled_cpu = time.perf_counter(), time.process_time()

    def advance(count: int) -> None:
        nonlocal state
        for first in range(0, count, STEPS_PER_CALL):
            steps = np.int32(min(STEPS_PER_CALL, count - first))
            state = program(state, *fixed, np.int32(first), steps)
        jax.block_until_ready(state)

    found = {
        "flops_per_step": costs(config).training_flops_per_image * batch,
        "parameters": costs(config).parameters,
        "trace_cpu": traced_cpu - cpu,
        "compile_cpu": compiled_cpu - traced_cpu,
        "compile": compiled - start,
    }
    serve(advance, found)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
