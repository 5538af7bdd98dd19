"""Chinchilla's fit and its bootstrap against a plain scipy implementation: CPU seconds and ratios.

    python -m benchmarks.fits TABLE [--draws 4000] [--rounds 4]

TABLE holds the runs as Epoch AI digitised them (columns Model Size, Training FLOP, loss; in the
source tree tests/analysis/data/chinchilla_2022.csv). Both sides minimise the same Huber objective
of the same 240 runs, with exact gradients in variables of order one, from the same number of
starts; a bootstrap starts from the best fit. They take turns, so that whatever disturbs the machine
disturbs both; figures are medians over rounds, of CPU seconds of all threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pandas as pd

import analysis
from analysis.formats import Sheet, markdown
from benchmarks.plain_fit import DELTA, Plain

HIGHEST = 5
"""Runs of the highest losses that Besiroglu et al. 2024 (arXiv 2404.10102) leave out."""
COLUMNS = {"parameters": "N", "steps": "D", "value": "loss"}


@dataclass(kw_only=True)
class Timed:
    """CPU seconds of every round, and what the last one found."""

    work: Callable[[int], str]
    seconds: list[float] = field(default_factory=list)
    found: str = ""

    def round(self, number: int) -> None:
        """Work once more."""
        start = time.process_time()
        self.found = self.work(number)
        self.seconds.append(time.process_time() - start)


def runs(path: str) -> pd.DataFrame:
    """Columns N, D and loss of the runs that are fitted."""
    frame = pd.read_csv(path).sort_values("loss").iloc[:-HIGHEST]
    tokens = frame["Training FLOP"] / (6 * frame["Model Size"])
    return pd.DataFrame({"N": frame["Model Size"], "D": tokens, "loss": frame["loss"]})


def ours(frame: pd.DataFrame, draws: int, seed: int) -> analysis.Fit:
    """A fit from all default starts, with its bootstrap if there are `draws`."""
    settings = analysis.FitSettings(bootstrap=draws, huber_delta=DELTA, seed=seed)
    return analysis.fit(frame, law="joint", columns=COLUMNS, settings=settings)


def compared(name: str, rivals: dict[str, Timed]) -> tuple[str, ...]:
    """A row of the table: medians over rounds and the median of the rounds' ratios."""
    mine, theirs = (rival.seconds for rival in rivals.values())
    ratio = statistics.median(t / m for m, t in zip(mine, theirs, strict=True))
    said = [f"{statistics.median(seconds):.3g}" for seconds in (mine, theirs)]
    return (name, *said, f"{ratio:.1f}", *(rival.found for rival in rivals.values()))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--draws", type=int, default=4000)
    parser.add_argument("--rounds", type=int, default=4)
    asked = parser.parse_args()
    frame = runs(asked.table)
    plain = Plain(frame)

    draws = asked.draws

    def interval(ends: tuple[float, float]) -> str:
        return "alpha {:.4f} to {:.4f}".format(*ends)

    jobs = {
        "one fit, 36 starts": {
            "ours": Timed(work=lambda _: f"objective {ours(frame, 0, 0).objective:.9g}"),
            "scipy": Timed(work=lambda _: f"objective {plain.fitted()[0]:.9g}"),
        },
        f"one fit and {draws} bootstraps": {
            "ours": Timed(work=lambda seed: interval(ours(frame, draws, seed).intervals["alpha"])),
            "scipy": Timed(work=lambda seed: interval(plain.alpha(draws, seed))),
        },
    }
    for number in range(asked.rounds):
        for rivals in jobs.values():
            order = list(rivals.values())
            for rival in order if number % 2 == 0 else order[::-1]:
                rival.round(number)
    sheet = Sheet(
        title="Chinchilla's fit",
        headings=("", "ours, CPU s", "scipy, CPU s", "ratio", "ours found", "scipy found"),
        rows=tuple(compared(name, rivals) for name, rivals in jobs.items()),
    )
    print(markdown(sheet), end="")


if __name__ == "__main__":
    main()
