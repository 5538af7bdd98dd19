"""The Frechet distance extrapolated to infinitely many samples."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce

import numpy as np
from jaxtyping import Float

from scaling.measure.distances.estimate import TWO_SIDED_95, Estimate
from scaling.measure.distances.frechet import Gaussian, frechet, gaussian, of_moments, of_parts
from scaling.measure.distances.influence import estimate, transport
from scaling.measure.distances.moments import Moments, merged
from scaling.measure.distances.order import shuffled

SHARES = 4
"""The samples are halved, cut in three and in four."""
PARTS = 12
"""Each share is a union of these."""
STUDENT_2 = 4.302652729911275
"""The 97.5 % quantile of Student's distribution with two degrees of freedom."""


@dataclass(frozen=True, kw_only=True)
class Extrapolation:
    """FD at n generated samples, and real ones in proportion, is about limit + slope / n.

    `resolved`: the samples suffice for that line. `values` are means over shares of `counts`;
    `whole` is the first of them with the interval of the samples' noise.
    """

    limit: Estimate
    whole: Estimate
    resolved: bool
    slope: Estimate
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
    interval reaches there. The samples' noise is common to all k and leaves the slope alone; what
    else moves it is read from how far the four values lie from a line, as Student's distribution
    has it. At least 8 samples a side.
    """
    rng = np.random.default_rng(seed)
    generated = shuffled(generated, rng)
    if not isinstance(reference, Moments):
        reference = shuffled(reference, rng)
    shares_of_reference, shares_of_generated = in_shares(reference), in_shares(generated)
    found = transport(shares_of_reference[0][0], shares_of_generated[0][0])
    values = [found.distance]
    for some, others in zip(shares_of_reference[1:], shares_of_generated[1:], strict=True):
        values.append(float(np.mean([frechet(a, b) for a, b in zip(some, others, strict=True)])))
    shares = np.arange(1, SHARES + 1)
    slope, intercept = np.polyfit(shares[:3], values[:3], 1)
    of_slope = np.array([-0.5, 0, 0.5, 0])  # of the values, in that line
    reach = STUDENT_2 * (of_slope @ noise_of_shares(values) @ of_slope) ** 0.5
    ends = (slope, slope - reach, slope + reach)
    value, low, high = (float(end) * len(generated) for end in ends)
    bend = intercept - np.polyfit(shares, values, 2)[2]
    whole = estimate(found, reference, generated)
    noise = (whole.high - whole.value) / TWO_SIDED_95
    limit = Estimate.normal(
        float(intercept), float(np.hypot(noise, bend)), of_generated=whole.of_generated
    )
    cut = [side for side in (reference, generated) if not isinstance(side, Moments)]
    resolved = min(map(len, cut)) // 3 >= generated.shape[1]
    return Extrapolation(
        # What is only bounded is so however many sets are averaged.
        limit=limit if resolved else replace(limit, low=min(limit.low, 0.0), of_generated=None),
        whole=whole,
        resolved=resolved,
        slope=Estimate(value=value, low=low, high=high),
        counts=tuple(len(generated) // k for k in shares.tolist()),
        values=tuple(values),
    )


def noise_of_shares(values: Sequence[float]) -> Float[np.ndarray, "k k"]:
    """Covariance of the mean distances of k = 1 to 4 shares, but for what is common to all.

    A distance is quadratic in its samples to second order, and so a mean over k shares is k times
    a sum over the pairs of samples that share one: two of them have in common what pairs both
    leave together. How large it is follows from what generalised least squares leaves of a line.
    """
    shares = np.arange(1, SHARES + 1)
    share_of = [np.arange(PARTS) * k // PARTS for k in shares.tolist()]
    together = [a[:, None] == a for a in share_of]
    common = np.array([[(a & b).mean() for a in together] for b in together])
    common *= np.outer(shares, shares)
    whitened = np.linalg.inv(np.linalg.cholesky(common))
    design = whitened @ np.vander(shares, 2)
    left = np.linalg.lstsq(design, whitened @ np.array(values))[1]
    return common * float(left[0]) / (SHARES - 2)


def in_shares(given: Moments | Float[np.ndarray, "n d"]) -> list[list[Gaussian]]:
    """All of it; its halves; its thirds; its quarters. What is known by moments is not cut.

    Where even quarters have more rows than dimensions, each row's product is formed only once.
    """
    if isinstance(given, Moments):
        return [[of_moments(given)] * k for k in range(1, SHARES + 1)]
    count, dimension = given.shape
    if count // PARTS * (PARTS // SHARES) <= dimension:
        return [[gaussian(part) for part in np.array_split(given, k)] for k in range(1, SHARES + 1)]
    parts, whole = of_parts(np.array_split(given, PARTS))
    cut = [[whole]]
    for k in range(2, SHARES + 1):
        unions = (parts[i : i + PARTS // k] for i in range(0, PARTS, PARTS // k))
        cut.append([of_moments(reduce(merged, union)) for union in unions])
    return cut
