"""Any network in an ONNX file, run by onnxruntime (the extra `onnx`)."""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from scaling.errors import InputError
from scaling.measure.features.network import Network


def network(path: Path) -> Network:
    """Of one input [batch, 3, s, s] or [batch, s, s, 3], whose first output is [batch, d, ...].

    Pixels are given in 0..255: what the network subtracts and divides by belongs into the file.
    Outputs of more than two axes are averaged over the others. InputError for what is no such file.
    """
    try:
        import onnxruntime  # pyright: ignore[reportMissingImports]
    except ImportError:
        raise InputError(
            "an .onnx network needs onnxruntime: pip install 'diffusion-scaling[onnx]'"
        ) from None
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"network '{path}': {error.strerror} (in {Path.cwd()})") from None
    try:
        session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own classes are not all exported
        raise InputError(f"network '{path}' is no ONNX file that can run: {error}") from None
    given = session.get_inputs()[0]
    channels_first, size = layout(path, given.shape)
    if given.type != "tensor(float)":
        raise InputError(f"network '{path}' takes {given.type}; it should take float32 pixels")

    def apply(pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        pixels = pixels.transpose(0, 3, 1, 2) if channels_first else pixels
        named = {given.name: np.ascontiguousarray(pixels)}
        output = np.asarray(session.run([session.get_outputs()[0].name], named)[0])
        return (output.mean(axis=spatial(output.shape, channels_first)),)

    return Network(
        name=path.name, sha256=hashlib.sha256(content).hexdigest(), size=size, apply=apply
    )


def layout(path: Path, shape: list[Any]) -> tuple[bool, int]:
    """Whether channels come first, and pixels a side."""
    match shape:
        case [_, 3, int(height), int(width)] if height == width:
            return True, height
        case [_, int(height), int(width), 3] if height == width:
            return False, height
    raise InputError(
        f"network '{path}' takes {shape}; it should take [batch, 3, s, s] or [batch, s, s, 3] with "
        f"a fixed s, and any batch"
    )


def spatial(shape: tuple[int, ...], channels_first: bool) -> tuple[int, ...]:
    """The axes of an output that are places in the image."""
    return tuple(range(2, len(shape)) if channels_first else range(1, len(shape) - 1))
