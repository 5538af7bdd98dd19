"""The InceptionV3 of the Frechet inception distance, with the weights of pytorch-fid."""

from collections.abc import Iterator
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from models.networks import layout
from scaling import weights
from scaling.measure.features.inception_graph import STEPS, Conv, Mixed, Pool, Steps
from scaling.measure.features.network import Network, compiled
from scaling.measure.features.resize import BICUBIC, TENSORFLOW_BILINEAR

SIZE, FEATURES, CLASSES = 299, 2048, 1008
EPSILON = 1e-3  # of batch normalisation
NORMALISATION = ("weight", "bias", "running_mean", "running_var")
COUNTER = "num_batches_tracked"  # of training alone
RESIZES = {"inception_v3": TENSORFLOW_BILINEAR, "inception_v3_clean": BICUBIC}
"""The graph's own, with which FID was published; and clean-fid's (Parmar et al. 2022)."""

Parameters = dict[str, Float[Array, "..."]]


def network(name: str, path: Path) -> Network:
    """Its features are the 2048 of the last pool; ValueError for other weights."""
    stored = weights.read(path)
    arrays = {key: array for key, array in stored.items() if not key.endswith(COUNTER)}
    return Network(
        name=name,
        sha256=weights.digest(path),
        size=SIZE,
        apply=compiled(forward, folded(arrays)),
        resize=RESIZES[name],
    )


def shapes(steps: Steps = STEPS) -> dict[str, tuple[int, ...]]:
    """Of every published array by its key."""
    found: dict[str, tuple[int, ...]] = {}
    every, channels = convolutions(steps, 3)
    for name, conv, inputs in every:
        found[f"{name}.conv.weight"] = (conv.channels, inputs, *conv.kernel)
        found |= {f"{name}.bn.{part}": (conv.channels,) for part in NORMALISATION}
    return found | {"fc.weight": (CLASSES, channels), "fc.bias": (CLASSES,)}


def convolutions(
    steps: Steps, channels: int, prefix: str = ""
) -> tuple[list[tuple[str, Conv, int]], int]:
    """Each with its whole name and how many channels come in; and how many go out at the end."""
    found = []
    for step in steps:
        if isinstance(step, Conv):
            found.append((f"{prefix}{step.name}", step, channels))
            channels = step.channels
        elif isinstance(step, Mixed):
            each = [
                convolutions(branch, channels, prefix + step.prefix) for branch in step.branches
            ]
            found += [conv for inside, _ in each for conv in inside]
            channels = sum(out for _, out in each)
    return found, channels


def folded(arrays: dict[str, np.ndarray], steps: Steps = STEPS) -> dict[str, np.ndarray]:
    """Kernels [h, w, inputs, outputs] that hold their normalisation, biases, and the classifier.

    ValueError names keys and shapes that do not fit.
    """
    expected = shapes(steps)
    layout.check_keys("InceptionV3", arrays, expected)
    layout.check_shapes("InceptionV3", arrays, expected)
    found = {"classes": np.asarray(arrays["fc.weight"].T, np.float32)}
    for name, _, _ in convolutions(steps, 3)[0]:
        scale, bias, mean, variance = (
            arrays[f"{name}.bn.{part}"].astype(np.float64) for part in NORMALISATION
        )
        scale = scale / np.sqrt(variance + EPSILON)
        kernel = arrays[f"{name}.conv.weight"].transpose(2, 3, 1, 0) * scale
        found |= {
            f"{name}/kernel": kernel.astype(np.float32),
            f"{name}/bias": (bias - mean * scale).astype(np.float32),
        }
    return found


def forward(
    parameters: Parameters, pixels: Float[Array, "n s s 3"], steps: Steps = STEPS
) -> tuple[Float[Array, "n d"], Float[Array, "n classes"]]:
    """Features, and logits without the bias, as published inception scores take them.

    (Salimans et al. 2016: their code multiplies the pool by the classifier's matrix alone.)
    """
    features = run(parameters, steps, (pixels - 128) / 128).mean(axis=(1, 2))
    return features, features @ parameters["classes"]


def run(parameters: Parameters, steps: Steps, x: Array, prefix: str = "") -> Array:
    """One step after another."""
    for step in steps:
        if isinstance(step, Conv):
            name, strides = f"{prefix}{step.name}", (step.stride, step.stride)
            x = jax.lax.conv_general_dilated(
                x,
                parameters[f"{name}/kernel"],
                strides,
                step.padding,
                dimension_numbers=("NHWC", "HWIO", "NHWC"),
            )
            x = jax.nn.relu(x + parameters[f"{name}/bias"])
        elif isinstance(step, Pool):
            x = POOLS[step.kind](x, step)
        else:
            x = jnp.concatenate(list(branches(parameters, step, x, prefix)), axis=-1)
    return x


def branches(parameters: Parameters, mixed: Mixed, x: Array, prefix: str) -> Iterator[Array]:
    """What each makes of `x`."""
    return (run(parameters, each, x, prefix + mixed.prefix) for each in mixed.branches)


def largest(x: Array, pool: Pool) -> Array:
    """Of every window."""
    strides = (1, pool.stride, pool.stride, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, (1, 3, 3, 1), strides, pool.padding)


def mean(x: Array, pool: Pool) -> Array:
    """Of every window, the padding left out."""

    def total(x: Array) -> Array:
        strides = (1, pool.stride, pool.stride, 1)
        return jax.lax.reduce_window(x, 0.0, jax.lax.add, (1, 3, 3, 1), strides, pool.padding)

    return total(x) / total(jnp.ones((1, *x.shape[1:3], 1)))


POOLS = {"max": largest, "mean": mean}
