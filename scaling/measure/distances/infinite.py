"""The Frechet distance extrapolated to infinitely many samples."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.frechet import frechet, gaussian, standard_error
from scaling.measure.distances.moments import Moments

SHARES = 4
"""The samples are halved, cut in three and in four."""


@dataclass(frozen=True, kw_only=True)
class Extrapolation:
    """FD at n is about limit + slope / n.

    `resolved`: the samples suffice for that line. `values` are means over shares of `counts`.
    """

    limit: Estimate
    resolved: bool
    slope: float
    counts: tuple[int, ...]
    values: tuple[float, ...]


def frechet_infinite(
    reference: Moments | Float[np.ndarray, "n d"],
    generated: Float[np.ndarray, "m d"],
    *,
    seed: int = 0,
) -> Extrapolation:
    """The intercept of FD against 1/n (Chong & Forsyth 2020), from disjoint shares of the samples.

    For k = 1, 2, 3 the samples are cut in k shares and FD is averaged over them: every sample
    counts alike at each k, so that the samples' own noise adds to the line no more than to FD. A
    reference given as features is cut too, which takes away its bias as well; one given as moments
    counts as known. The interval joins the noise of the samples with the distance between the line
    and a parabola through k = 1 to 4. Where a third of a side has fewer samples than dimensions,
    FD need not be a line in 1/n: then nothing bounds the limit from below but zero, and the
    interval reaches there. At least 8 samples a side.
    """
    rng = np.random.default_rng(seed)
    generated = generated[rng.permutation(len(generated))]
    if not isinstance(reference, Moments):
        reference = reference[rng.permutation(len(reference))]
    whole = gaussian(reference), gaussian(generated)
    values = [frechet(*whole)]
    for k in range(2, SHARES + 1):
        pairs = zip(
            [whole[0]] * k
            if isinstance(reference, Moments)
            else map(gaussian, np.array_split(reference, k)),
            map(gaussian, np.array_split(generated, k)),
            strict=True,
        )
        values.append(float(np.mean([frechet(a, b) for a, b in pairs])))
    shares = np.arange(1, SHARES + 1)
    slope, intercept = np.polyfit(shares[:3], values[:3], 1)
    bend = intercept - np.polyfit(shares, values, 2)[2]
    noise = standard_error(*whole, reference, generated)
    limit = Estimate.normal(float(intercept), float(np.hypot(noise, bend)))
    cut = [side for side in (reference, generated) if not isinstance(side, Moments)]
    resolved = min(map(len, cut)) // 3 >= generated.shape[1]
    return Extrapolation(
        limit=limit if resolved else replace(limit, low=min(limit.low, 0.0)),
        resolved=resolved,
        slope=float(slope) * len(generated),
        counts=tuple(len(generated) // k for k in shares.tolist()),
        values=tuple(values),
    )
