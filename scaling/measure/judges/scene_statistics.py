"""The 36 features of BRISQUE (Mittal, Moorthy & Bovik 2012), as in the authors' release.

"No-Reference Image Quality Assessment in the Spatial Domain", IEEE Transactions on
Image Processing 21(12): what natural images have in common, in two sizes.
"""

from functools import cache

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

RADIUS, DEVIATION = 3, 7 / 6
"""Of the window, in pixels."""
SHIFTS = ((0, 1), (1, 0), (1, 1), (-1, 1))
"""To a neighbour: along a row, a column, and both diagonals; around the edges."""
SHAPES = np.arange(200, 10_001) / 1000
"""Shape parameters that a fit chooses from."""
TAPS = np.array([-3, -9, 29, 111, 111, 29, -9, -3]) / 256
"""Keys's cubic kernel (a = -1/2), twice as wide, half a pixel off: MATLAB's imresize to a half."""
TINY = 1e-12

Plane = Float[np.ndarray, "h w"]


def features(image: UInt8[np.ndarray, "h w 3"]) -> Float[np.ndarray, " 36"]:
    """Of the image and of the image at half its size.

    A flat image, which has no statistics, gets those of no spread, where the release has NaN.
    """
    grey = np.asarray(Image.fromarray(image).convert("L"), np.float64)
    return np.concatenate([of_scale(grey), of_scale(halved(grey))])


def of_scale(grey: Plane) -> Float[np.ndarray, " 18"]:
    """Shape and variance of the normalised image; four numbers of each neighbour's product."""
    normal = normalised(grey)
    products = (normal * np.roll(normal, shift, axis=(0, 1)) for shift in SHIFTS)
    return np.array([*symmetric(normal), *(n for each in products for n in asymmetric(each))])


def normalised(grey: Plane) -> Plane:
    """(I - mu) / (sigma + 1), both of a Gaussian window with zeros around: eqs. (1) to (3)."""
    from scipy.ndimage import correlate1d

    place = np.arange(-RADIUS, RADIUS + 1)
    window = np.exp(-(place**2) / (2 * DEVIATION**2))
    window /= window.sum()

    def blurred(x: Plane) -> Plane:
        return correlate1d(correlate1d(x, window, 0, mode="constant"), window, 1, mode="constant")

    mean = blurred(grey)
    return (grey - mean) / (np.sqrt(np.abs(blurred(grey**2) - mean**2)) + 1)


def symmetric(x: Plane) -> tuple[float, float]:
    """Shape and variance of a generalised Gaussian of mean 0, by its moments.

    E[x²] / E[|x|]² = G(1/a) G(3/a) / G(2/a)² (Sharifi & Leon-Garcia 1995).
    """
    ratio = np.mean(x**2) / max(np.mean(np.abs(x)) ** 2, TINY)
    return float(SHAPES[np.argmin(np.abs(1 / moments() - ratio))]), float(np.mean(x**2))


def asymmetric(x: Plane) -> tuple[float, float, float, float]:
    """Shape, mean, and the variances left and right of 0 (Lasmar et al. 2009), by moments."""
    left, right = (
        np.sqrt(np.sum(x[side] ** 2) / max(np.count_nonzero(side), 1)) for side in (x < 0, x > 0)
    )
    skew = left / max(right, TINY)
    ratio = np.mean(np.abs(x)) ** 2 / max(np.mean(x**2), TINY)
    target = ratio * (skew**3 + 1) * (skew + 1) / (skew**2 + 1) ** 2
    best = int(np.argmin(np.abs(moments() - target)))
    mean = (right - left) * means()[best]
    return float(SHAPES[best]), float(mean), float(left**2), float(right**2)


@cache
def moments() -> Float[np.ndarray, " shapes"]:
    """G(2/a)² / (G(1/a) G(3/a)) of every shape: E[|x|]² / E[x²]."""
    from scipy.special import gammaln

    return np.exp(2 * gammaln(2 / SHAPES) - gammaln(1 / SHAPES) - gammaln(3 / SHAPES))


@cache
def means() -> Float[np.ndarray, " shapes"]:
    """G(2/a) / sqrt(G(1/a) G(3/a)) of every shape: the mean where right and left differ by 1."""
    return np.sqrt(moments())


def halved(grey: Plane) -> Float[np.ndarray, "rows columns"]:
    """Half the size, averaged as it shrinks, mirrored at the edges."""
    for _ in range(2):
        count = (len(grey) + 1) // 2
        around = np.pad(grey, [(3, 5), (0, 0)], mode="symmetric")
        grey = np.sum([t * around[k : k + 2 * count : 2] for k, t in enumerate(TAPS)], axis=0).T
    return grey
