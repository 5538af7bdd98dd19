"""A DiT's training step against the same DiT in PyTorch on a CPU, eager and compiled.

    python -m benchmarks.against_torch --torch-python OTHER/bin/python [--rungs 20k 1M]

Same shapes, batch, threads and float32: drawing a batch and noise, loss, gradients, clipping,
AdamW and one average of the weights. Rivals live side by side and take turns, a round each, so
that whatever disturbs the machine disturbs all; figures are medians over rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from typing import Any

from benchmarks.steps import table
from scaling.config import RunConfig
from scaling.data.facts import facts
from sweeps.engines.cores import available_cores, thread_settings
from sweeps.manifest import load

PATCH_SIZES = {16: 4, 64: 2}
"""Tokens of a 16-pixel image to the side of its patches."""


class Rival:
    """A process that takes training steps when asked to."""

    def __init__(self, python: str, module: str, job: dict[str, Any], cores: list[int]):
        self.process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, cores)), python, "-m", module, json.dumps(job)],
            env=os.environ | {"JAX_PLATFORMS": "cpu"} | thread_settings(len(cores)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.facts = self.read()
        self.rounds: list[dict[str, float]] = []

    def read(self) -> dict[str, float]:
        """One line of JSON."""
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"a measuring process ended with code {self.process.wait()}")
        return json.loads(line)

    def round(self, seconds: float) -> None:
        """Take steps for about that long, and keep what they took."""
        self.process.stdin.write(f"{seconds}\n")
        self.process.stdin.flush()
        self.rounds.append(self.read())

    def per_step(self, clock: str) -> float:
        """Median seconds of a step by "wall" or "cpu"."""
        return statistics.median(found[clock] / found["steps"] for found in self.rounds)

    def close(self) -> None:
        """End the process."""
        self.process.stdin.close()
        self.process.wait()


def ratio(rival: Rival, ours: Rival, clock: str) -> float:
    """Median over rounds of a rival's time over ours: above one, ours is faster."""
    pairs = zip(rival.rounds, ours.rounds, strict=True)
    return statistics.median(
        (theirs[clock] / theirs["steps"]) / (own[clock] / own["steps"]) for theirs, own in pairs
    )


def take_turns(rivals: list[Rival], rounds: int, seconds: float) -> None:
    """Every rival in every round, in alternating order."""
    for number in range(rounds):
        for rival in rivals if number % 2 == 0 else rivals[::-1]:
            rival.round(seconds)


def torch_job(config: RunConfig, threads: int) -> dict[str, Any]:
    """What the PyTorch side must know of a configuration."""
    about = facts(config.data)
    return {
        "depth": config.model.depth,
        "width": config.model.width,
        "heads": config.model.heads,
        "patch_size": config.model.patch_size,
        "size": about.size,
        "channels": about.channels,
        "vocabulary": about.vocabulary,
        "caption_length": about.caption_length,
        "examples": about.examples,
        "frequencies": 32,
        "averages": len(config.train.averaged),
        "batch": config.train.batch_size,
        "threads": threads,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--torch-python", default=sys.executable, help="interpreter with torch")
    parser.add_argument("--rungs", nargs="*", default=["20k", "120k", "1M", "11M"])
    parser.add_argument("--tokens", nargs="*", type=int, choices=PATCH_SIZES, default=[16, 64])
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=0.7, help="of a round")
    chosen = parser.parse_args()

    cores = available_cores()[: chosen.threads]
    template = load("quickstart").runs[0].config.model_dump(mode="json")
    template["data"]["augment"] = {"flip": False, "shift": 0, "hue": 0.0}
    template["train"]["batch_size"] = chosen.batch
    ours, theirs = "benchmarks.jax_dit", "benchmarks.torch_dit"

    products = [
        Rival(sys.executable, ours, {}, cores),
        Rival(chosen.torch_python, theirs, {"threads": len(cores)}, cores),
    ]
    print(f"{len(cores)} threads, batch {chosen.batch}, float32")

    speed, compiling = [], []
    for rung in chosen.rungs:
        for tokens in chosen.tokens:
            model = {"family": "dit", "rung": rung, "patch_size": PATCH_SIZES[tokens]}
            config = RunConfig.model_validate({**template, "model": model})
            with tempfile.TemporaryDirectory() as cache:
                job = {"config": config.model_dump(mode="json"), "cache": cache}
                twin = torch_job(config, len(cores))
                cold = Rival(sys.executable, ours, job, cores)
                cold.close()
                own = Rival(sys.executable, ours, job, cores)
            eager, compiled = (
                Rival(chosen.torch_python, theirs, {**twin, "compile": asked}, cores)
                for asked in (False, True)
            )
            rivals = [own, eager, compiled]
            for product in products:
                product.rounds.clear()
            take_turns([*rivals, *products], chosen.rounds, chosen.seconds)
            size = f"{own.facts['parameters']:,.0f}"
            # The time of the step's FLOPs in the faster of two square products, over the step's.
            ideal = {
                clock: min(
                    ratio(p, own, clock) * own.facts["flops_per_step"] / p.facts["flops_per_step"]
                    for p in products
                )
                for clock in ("wall", "cpu")
            }
            speed.append(
                (
                    rung,
                    size,
                    str(tokens),
                    *(f"{1e3 * r.per_step('wall'):.2f}" for r in rivals),
                    f"{1e3 * own.per_step('cpu'):.2f}",
                    *(f"{ratio(r, own, 'wall'):.2f}" for r in rivals[1:]),
                    *(f"{ratio(r, own, 'cpu'):.2f}" for r in rivals[1:]),
                    f"{ideal['wall']:.0%}",
                    f"{ideal['cpu']:.0%}",
                )
            )
            compiling.append(
                (
                    rung,
                    str(tokens),
                    *(
                        f"{c.facts[k]:.2f}"
                        for c in (cold, own)
                        for k in ("trace_cpu", "compile_cpu")
                    ),
                    f"{compiled.facts['compile_cpu']:.1f}",
                    f"{compiled.facts['compile']:.1f}",
                )
            )
            for rival in rivals:
                rival.close()
            print(" | ".join(speed[-1]), "|", " | ".join(compiling[-1][2:]), file=sys.stderr)

    for product in products:
        product.close()
    header = ["rung", "parameters", "tokens", "ours, ms", "eager, ms", "compiled, ms"]
    header += ["ours, CPU ms"]
    header += ["eager / ours, wall", "compiled / ours", "eager / ours, CPU", "compiled / ours"]
    table("A training step", [*header, "of matmul, wall", "CPU"], speed)
    header = ["rung", "tokens", "trace", "compile", "trace, cached", "compile, cached"]
    header += ["torch.compile, CPU here", "its wall"]
    table("Compiling, CPU seconds", header, compiling)


if __name__ == "__main__":
    main()
