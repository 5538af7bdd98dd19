"""Run by test_processes.py as processes 0 and 1 of two: prints in JSON what each one read."""

import json
import sys

import jax
import numpy as np

from scaling.data.input import Input
from scaling.data.order import batch_indices
from scaling.train import sharding

RUNS, BATCH, STEPS, EXAMPLES = 2, 8, 3, 11


def main(process: int, port: str, fsdp: int) -> None:
    jax.distributed.initialize(f"localhost:{port}", 2, process, initialization_timeout=60)
    assert jax.device_count() == 8
    assert jax.local_device_count() == 4
    read: list[int] = []

    def fetch(index: np.ndarray) -> dict[str, np.ndarray]:
        read.extend(index.tolist())
        return {"images": np.stack([index, -index], -1).astype(np.int32)}

    seeds = np.array([3, 4], np.int32)
    mesh = sharding.make_mesh(RUNS, BATCH, fsdp=fsdp)
    given = Input(
        sharding.per_example(mesh),
        examples=EXAMPLES,
        fetch=fetch,
        seeds=seeds,
        batch=BATCH,
        steps=STEPS,
        steps_per_call=STEPS,
    )
    read.clear()
    images = given(0, STEPS)["images"]
    given.close()
    index = np.stack([batch_indices(int(s), 0, STEPS, BATCH, EXAMPLES) for s in seeds])
    expected = np.stack([index, -index], -1)
    right = all((np.asarray(s.data) == expected[s.index]).all() for s in images.addressable_shards)
    total = int(jax.jit(lambda a: (a[..., 0] ** 2).sum())(images))
    print(json.dumps({"right": right, "read": len(read), "total": total}))
    assert total == int((index.astype(np.int64) ** 2).sum())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
