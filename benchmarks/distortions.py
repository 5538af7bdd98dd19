"""Whether each distance rises as images get worse: prints a Markdown table in some minutes.

    python -m benchmarks.distortions [--images 500] [--network efficientnet_lite0]

Half of a sample of the emoji stands for real images; the other half is blurred, made noisy,
compressed, or thinned out to a few of its images, each more and more. A distance that does not
tell worse from better on these has nothing to say of a model's samples.
"""

import argparse
import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageFilter

from scaling.config.data import EmojiData
from scaling.data.source import load
from scaling.measure.distances.estimate import Estimate
from scaling.measure.distances.metrics import METRICS, Pair, measure
from scaling.measure.features.named import SHIPPED, named
from scaling.measure.kept_features import features_of
from scaling.measure.samples import to_uint8

Pictures = UInt8[np.ndarray, "n h w c"]
FALLING = frozenset(["precision", "recall", "density", "coverage", "inception_score"])
"""Metrics that are larger for better images."""


def blurred(images: Pictures, radius: float) -> Pictures:
    """By a Gaussian of so many pixels."""
    return _each(images, lambda image: image.filter(ImageFilter.GaussianBlur(radius)))


def noisy(images: Pictures, deviation: float) -> Pictures:
    """With independent noise of so many of 255 levels."""
    noise = np.random.default_rng(0).normal(size=images.shape) * deviation
    return np.clip(np.round(images + noise), 0, 255).astype(np.uint8)


def compressed(images: Pictures, quality: float) -> Pictures:
    """Through a JPEG file."""

    def through(image: Image.Image) -> Image.Image:
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(quality))
        return Image.open(file).convert("RGB")

    return _each(images, through)


def thinned(images: Pictures, share: float) -> Pictures:
    """As many images, of which only a share is different: modes are dropped."""
    return images[np.arange(len(images)) % max(1, round(share * len(images)))]


def _each(images: Pictures, change: Callable[[Image.Image], Image.Image]) -> Pictures:
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


DISTORTIONS: Mapping[str, tuple[Callable[[Pictures, float], Pictures], Sequence[float]]] = {
    "blur, pixels": (blurred, (0.5, 1.0, 2.0)),
    "noise, levels": (noisy, (8, 24, 64)),
    "JPEG, quality": (compressed, (75, 30, 8)),
    "images left": (thinned, (0.5, 0.2, 0.05)),
}
"""Each with its strengths, the mildest first."""


@dataclass(frozen=True, kw_only=True)
class Response:
    """A metric of undistorted images and of ever worse ones."""

    metric: str
    distortion: str
    values: tuple[Estimate, ...]

    @property
    def monotone(self) -> bool:
        """Whether every step makes it worse."""
        sign = -1 if self.metric in FALLING else 1
        return bool((np.diff([sign * item.value for item in self.values]) > 0).all())

    @property
    def told(self) -> str:
        """`yes`; `at last` where the worst is told from the undistorted images; or `no`."""
        first, last = self.values[0], self.values[-1]
        apart = last.low > first.high if self.metric not in FALLING else last.high < first.low
        return "yes" if self.monotone else "at last" if apart else "no"


def responses(
    images: Pictures, features: Callable[[Pictures], np.ndarray], metrics: Sequence[str] = METRICS
) -> list[Response]:
    """Of every metric to every distortion of the second half of the images."""
    real, rest = np.array_split(images, 2)
    of_real = features(real)

    def distances(some: Pictures) -> dict[str, Estimate]:
        return measure(Pair(real=of_real, generated=features(some), logits=None), metrics)

    plain = distances(rest)
    found = []
    for distortion, (distort, strengths) in DISTORTIONS.items():
        worse = [distances(distort(rest, strength)) for strength in strengths]
        found += [
            Response(metric=m, distortion=distortion, values=(plain[m], *(w[m] for w in worse)))
            for m in plain
        ]
    return found


def table(found: Sequence[Response]) -> str:
    """Markdown."""
    lines = ["| metric | distortion | none | mild | strong | strongest | worse at every step |"]
    lines.append("| --- | --- | --- | --- | --- | --- | --- |")
    for item in found:
        values = " | ".join(f"{value.value:.4g}" for value in item.values)
        lines.append(f"| {item.metric} | {item.distortion} | {values} | {item.told} |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--images", type=int, default=500, help="half of them as real ones")
    parser.add_argument("--network", default=SHIPPED)
    asked = parser.parse_args()
    source, network = load(EmojiData(size=32)), named(asked.network)
    images = to_uint8(source.train_sample(asked.images, 0).images)
    print(table(responses(images, lambda some: features_of(some, network, "the images"))))


if __name__ == "__main__":
    main()
