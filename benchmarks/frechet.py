"""Times the Frechet distance against pytorch-fid's formula, in one run on the same features.

    python -m benchmarks.frechet [--samples 50000] [--dimensions 2048]

The rival is that formula restated: np.cov in float64 and scipy's matrix root of the product of
both covariances. Its time is of the formula alone, the features being in memory for both.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
from jaxtyping import Float32
from scipy.linalg import sqrtm

from scaling.measure.distances.frechet import frechet, gaussian
from scaling.measure.distances.influence import frechet_distance

Features = Float32[np.ndarray, "n d"]


def plain(x: Features, y: Features) -> float:
    """|m_x - m_y|^2 + tr(S_x + S_y - 2 (S_x S_y)^1/2) (Heusel et al. 2017)."""
    apart = x.mean(axis=0, dtype=np.float64) - y.mean(axis=0, dtype=np.float64)
    s, t = np.cov(x, rowvar=False), np.cov(y, rowvar=False)
    root = np.trace(sqrtm(s @ t)).real
    return float(apart @ apart + np.trace(s) + np.trace(t) - 2 * root)


def features(samples: int, dimensions: int, seed: int, scale: float) -> Features:
    """Rectified and correlated, like a network's: variances along axes fall as 1/k."""
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((samples, dimensions), dtype=np.float32)
    turn, _ = np.linalg.qr(np.random.default_rng(0).normal(size=(dimensions, dimensions)))
    spread = (np.arange(1, dimensions + 1) ** -0.5 * scale)[:, None] * turn
    rows = rows @ spread.astype(np.float32)
    return np.maximum(rows, np.float32(0), out=rows)


def timed(name: str, compute: Callable[[], float]) -> tuple[str, float, float, float]:
    """Name, value, wall and CPU seconds."""
    cpu, wall = time.process_time(), time.perf_counter()
    value = compute()
    return name, value, time.perf_counter() - wall, time.process_time() - cpu


def main() -> None:
    """Print a Markdown table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--samples", type=int, default=50_000)
    parser.add_argument("--dimensions", type=int, default=2048)
    asked = parser.parse_args()
    x = features(asked.samples, asked.dimensions, 1, 1.0)
    y = features(asked.samples, asked.dimensions, 2, 1.05)
    found = [
        timed("np.cov and scipy.linalg.sqrtm", lambda: plain(x, y)),
        timed("ours", lambda: frechet(gaussian(x), gaussian(y))),
        timed("ours, with its interval", lambda: frechet_distance(x, y).value),
    ]
    first = found[0]
    print("| | value | from the first | wall, s | CPU, s | wall | CPU |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for name, value, wall, cpu in found:
        apart = abs(value - first[1]) / first[1]
        shares = f"{wall / first[2]:.2f} | {cpu / first[3]:.2f}"
        print(f"| {name} | {value:.8g} | {apart:.1e} | {wall:.1f} | {cpu:.1f} | {shares} |")


if __name__ == "__main__":
    main()
