"""InceptionV3s with random weights."""

import numpy as np

from scaling.measure.features.inception_graph import STEPS, Conv, Mixed, Steps
from scaling.measure.features.inception_v3 import shapes


def published_weights(steps: Steps = STEPS) -> dict[str, np.ndarray]:
    """Of the published keys and shapes; activations neither vanish nor explode."""
    random = np.random.default_rng(0)
    found = {}
    for key, shape in shapes(steps).items():
        if key.endswith("conv.weight"):
            spread = np.sqrt(2 / np.prod(shape[1:]))  # He et al. 2015, eq. (10)
            found[key] = spread * random.standard_normal(shape, np.float32)
        elif key.endswith(("running_var", "bn.weight")):
            found[key] = random.uniform(0.5, 1.5, shape)
        else:
            found[key] = 0.1 * random.standard_normal(shape, np.float32)
    return {key: array.astype(np.float32) for key, array in found.items()}


def narrowed(steps: Steps, by: int) -> Steps:
    """The same graph with so many times fewer channels."""
    found = []
    for step in steps:
        if isinstance(step, Conv):
            found.append(step._replace(channels=step.channels // by))
        elif isinstance(step, Mixed):
            inside = tuple(narrowed(branch, by) for branch in step.branches)
            found.append(step._replace(branches=inside))
        else:
            found.append(step)
    return tuple(found)
