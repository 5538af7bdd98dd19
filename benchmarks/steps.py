"""How fast training steps are, and against what: prints Markdown tables in a few minutes.

    python -m benchmarks.steps [--manifest quickstart] [--rungs 20k 450k] [--seconds 3]

Run it on an idle machine. Every figure comes from a fresh process that stays on its cores; what one
core does is compared by CPU time, which other processes disturb least. It measures CPUs unless
JAX_PLATFORMS names something else, such as cuda: then only what is measured by wall clock counts.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from typing import Any

from benchmarks.rungs import at_rung
from scaling.config import RunConfig
from scaling.costs import costs
from sweeps.engines.cores import available_cores, thread_settings
from sweeps.manifest import load

type Figures = dict[str, float]

PLATFORM = os.environ.get("JAX_PLATFORMS", "cpu")


def measure(job: dict[str, Any], *places: Sequence[int]) -> list[Figures]:
    """The figures of one process for each set of cores; they compile and then begin together."""
    processes = []
    for cores in places:
        pin = ["taskset", "-c", ",".join(map(str, cores))]
        process = subprocess.Popen(
            [*pin, sys.executable, "-m", "benchmarks.measure", json.dumps(job)],
            env=os.environ | {"JAX_PLATFORMS": PLATFORM} | thread_settings(len(cores)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
    for process in processes:
        if process.stdout.readline() != "ready\n":
            raise SystemExit(f"a measuring process ended with code {process.wait()}")
    for process in processes:
        process.stdin.write("\n")
        process.stdin.flush()
    return [json.loads(process.communicate()[0]) for process in processes]


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    print(f"\n### {title}\n")
    print("\n".join(f"| {' | '.join(line)} |" for line in lines), flush=True)


def steps(jobs: dict[str, dict], one: list[int], peak: float) -> dict[str, Figures]:
    """Table of every rung alone on one core."""
    found = {rung: measure(job, one)[0] for rung, job in jobs.items()}
    rows = []
    for rung, f in found.items():
        rate = f["flops_per_step"] * f["steps_per_second"]
        parameters = costs(RunConfig.model_validate(jobs[rung]["config"])).parameters
        rows.append(
            (
                rung,
                f"{parameters:,}",
                f"{f['steps_per_second']:.1f}",
                f"{1e3 * f['cpu_per_step']:.1f}",
                f"{rate / 1e9:.1f}",
                f"{rate / peak:.0%}",
                f"{f['trace']:.1f}",
                f"{f['compile_cold']:.1f}",
                f"{f['compile_warm']:.2f}",
            )
        )
    header = ["rung", "parameters", "steps/s", "CPU ms a step", "GFLOP/s", "of matmul"]
    header += ["trace s", "compile s", "from cache s"]
    table("One run on one core", header, rows)
    table(
        "What a call costs besides its steps",
        ["rung", "steps", "ms a call", "of them empty", "drawing indices", "CPU, one step a call"],
        [
            (
                rung,
                f"{f['steps']}",
                f"{1e3 * f['call']:.0f}",
                f"{1e3 * f['empty_call']:.2f} ({f['empty_call'] / f['call']:.2%})",
                f"{1e3 * f['drawing']:.2f} ({f['drawing'] / f['call']:.2%})",
                f"{f['many_calls']:.3f} times as much",
            )
            for rung, f in found.items()
        ],
    )
    return found


def ratios(title: str, header: Sequence[str], pairs: dict[str, tuple[float, float]]) -> None:
    """Print two rates (of single runs' steps) and the second over the first."""
    rows = [(rung, f"{a:.1f}", f"{b:.1f}", f"{b / a:.2f}") for rung, (a, b) in pairs.items()]
    table(title, [*header, "ratio"], rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--manifest", default="quickstart", help="whose settings")
    parser.add_argument("--rungs", nargs="*", help="default: the manifest's")
    parser.add_argument("--compared", nargs="*", help="for the ratios; default: three of them")
    parser.add_argument("--cohort", type=int, default=4, help="runs trained as one program")
    parser.add_argument("--steps-per-call", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each measurement")
    chosen = parser.parse_args()

    configs = {r.config.model.rung: r.config for r in load(chosen.manifest).runs}
    template = next(iter(configs.values()))
    rungs = chosen.rungs or list(configs)
    compared = chosen.compared or list(dict.fromkeys([rungs[0], rungs[len(rungs) // 2], rungs[-1]]))
    cores = available_cores()
    with tempfile.TemporaryDirectory() as cache:
        common = {
            "cache": cache,
            "steps_per_call": chosen.steps_per_call,
            "seconds": chosen.seconds,
        }
        jobs = {
            rung: {
                "config": at_rung(template, rung),
                "runs": 1,
                **common,
            }
            for rung in dict.fromkeys([*rungs, *compared])
        }
        print(f"load before: {os.getloadavg()[0]:.1f} on {len(cores)} cores")
        one, both = cores[:1], cores[:2]
        peak = measure(common, one)[0]["flops_per_second"]
        print(f"float32 matrix product: {peak / 1e9:.0f} GFLOP/s on one thread")
        alone = steps(jobs, one, peak)
        pairs = {}
        for r in rungs:
            apart = measure(jobs[r], cores)[0]["steps_per_second"]
            cohort = measure({**jobs[r], "runs": chosen.cohort}, cores)[0]["steps_per_second"]
            pairs[r] = (apart, chosen.cohort * cohort)
        ratios(
            f"{chosen.cohort} runs on {PLATFORM}, all cores: one after another, or as one program",
            ["rung", "run-steps/s, apart", "together"],
            pairs,
        )
        if PLATFORM != "cpu":
            return
        per_cpu = {rung: 1 / found["cpu_per_step"] for rung, found in alone.items()}

        together = {
            r: chosen.cohort / measure({**jobs[r], "runs": chosen.cohort}, one)[0]["cpu_per_step"]
            for r in compared
        }
        ratios(
            f"{chosen.cohort} runs on one core: one after another, or as one program",
            ["rung", "run-steps a CPU second, apart", "together"],
            {r: (per_cpu[r], together[r]) for r in compared},
        )
        optimised = {
            r: 1 / measure({**jobs[r], "level": 3}, one)[0]["cpu_per_step"]
            for r in dict.fromkeys([compared[0], compared[-1]])
        }
        ratios(
            "LLVM's optimisation level",
            ["rung", "steps a CPU second, level 3", "level 1"],
            {r: (found, per_cpu[r]) for r, found in optimised.items()},
        )
        if len(both) == 2:
            threads = measure(common, both)[0]["flops_per_second"]
            print(f"\nfloat32 matrix product: {threads / 1e9:.0f} GFLOP/s on two threads")
            pairs = {}
            for r in compared:
                wide = measure(jobs[r], both)[0]["steps_per_second"]
                narrow = measure(jobs[r], cores[:1], cores[1:2])
                pairs[r] = (wide, sum(found["steps_per_second"] for found in narrow))
            ratios(
                "Two cores: one process of two threads, or two processes of one",
                ["rung", "run-steps/s, one process", "two processes"],
                pairs,
            )


if __name__ == "__main__":
    main()
