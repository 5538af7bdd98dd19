"""pytorch-fid's, clean-fid's and torch-fidelity's distances of features, and clean-fid's resize.

Of the packages only the formulas are used: what they need for their networks may be missing.
"""

import sys
from importlib.util import find_spec
from unittest.mock import MagicMock

import numpy as np
import torch

NETWORKS = ("pytorch_fid.inception", "cleanfid.inception_pytorch", "cleanfid.inception_torchscript")


def stand_in(name: str) -> None:
    """A module for the names that are imported and not used."""
    sys.modules[name] = MagicMock(BLOCK_INDEX_BY_DIM={})


for network in NETWORKS:
    stand_in(network)
if find_spec("torchvision") is None:
    for part in ("", ".datasets", ".models", ".transforms", ".transforms.functional"):
        stand_in(f"torchvision{part}")


COLOUR = (
    *("astronaut", "chelsea", "coffee", "rocket", "retina"),
    *("hubble_deep_field", "immunohistochemistry"),
)
"""Photographs that scikit-image brings with it, none downloaded."""


def main(arrays, sizes=()):
    """Distances of x and y; with `sizes` photographs and every image, each resized to them."""
    if not sizes:
        return distances(arrays["x"], arrays["y"])
    from cleanfid.resize import make_resizer

    images = arrays | photographs()
    resizers = {size: make_resizer("PIL", False, "bicubic", (size, size)) for size in sizes}
    resized = {f"{k}/{size}": of(v) for k, v in images.items() for size, of in resizers.items()}
    return images | resized


def photographs():
    """Ten, of which one is grey."""
    from skimage import data

    left, right, _ = data.stereo_motorcycle()
    colour = {name: getattr(data, name)() for name in COLOUR}
    grey = np.repeat(data.camera()[:, :, None], 3, axis=2)
    return colour | {"motorcycle_left": left, "motorcycle_right": right, "camera": grey}


def distances(x, y):
    """By package, of features in float32."""
    from cleanfid import fid as clean_fid
    from pytorch_fid import fid_score as pytorch_fid
    from torch_fidelity import metric_fid, metric_kid

    # As each package makes them: pytorch-fid collects activations in float64.
    wide = [part.astype(np.float64) for part in (x, y)]
    doubles = [(part.mean(axis=0), np.cov(part, rowvar=False)) for part in wide]
    given = [(np.mean(part, axis=0), np.cov(part, rowvar=False)) for part in (x, y)]
    tensors = [metric_fid.fid_features_to_statistics(torch.from_numpy(part)) for part in (x, y)]
    found = {
        "pytorch-fid": pytorch_fid.calculate_frechet_distance(*doubles[0], *doubles[1]),
        "clean-fid": clean_fid.frechet_distance(*given[0], *given[1]),
        "torch-fidelity": metric_fid.fid_statistics_to_metric(*tensors, verbose=False)[
            metric_fid.KEY_METRIC_FID
        ],
    }
    if len(x) == len(y) <= 1000:  # then every subset is the whole
        kernel = {"kid_kernel": "poly", "kid_kernel_poly_degree": 3, "kid_kernel_poly_coef0": 1.0}
        found["kid, clean-fid"] = clean_fid.kernel_distance(*wide, num_subsets=1)
        found["kid, torch-fidelity"] = metric_kid.kernel_mmd(*wide, **kernel)
    return {name: np.array(value, np.float64) for name, value in found.items()}
