"""The InceptionV3 of the Frechet inception distance as a table (Szegedy et al. 2016, table 1).

That of the graph `inception-2015-12-05` in TensorFlow: average pools leave the padding out of the
mean, and the last block pools by the maximum. Names are those of the published state dict.
"""

from typing import NamedTuple


class Conv(NamedTuple):
    """A convolution, batch normalisation, ReLU."""

    name: str
    channels: int
    kernel: tuple[int, int] = (1, 1)
    stride: int = 1
    padding: str = "SAME"


class Pool(NamedTuple):
    """Of 3 by 3 pixels."""

    kind: str
    stride: int = 1
    padding: str = "SAME"


class Mixed(NamedTuple):
    """Branches side by side, their channels joined; their names begin with `prefix`."""

    prefix: str
    branches: tuple[tuple["Conv | Pool | Mixed", ...], ...]


Steps = tuple[Conv | Pool | Mixed, ...]
HALVE = {"stride": 2, "padding": "VALID"}


def block_a(name: str, pooled: int) -> Mixed:
    """35 by 35 pixels."""
    double = (Conv("branch3x3dbl_1", 64), Conv("branch3x3dbl_2", 96, (3, 3)))
    return Mixed(
        f"{name}.",
        (
            (Conv("branch1x1", 64),),
            (Conv("branch5x5_1", 48), Conv("branch5x5_2", 64, (5, 5))),
            (*double, Conv("branch3x3dbl_3", 96, (3, 3))),
            (Pool("mean"), Conv("branch_pool", pooled)),
        ),
    )


def block_c(name: str, narrow: int) -> Mixed:
    """17 by 17 pixels."""
    one, two = [(1, 7), (7, 1)], [(7, 1), (1, 7), (7, 1), (1, 7)]

    def chain(prefix: str, kernels: list[tuple[int, int]]) -> Steps:
        widths = [narrow] * (len(kernels) - 1) + [192]
        each = enumerate(zip(widths, kernels, strict=True), 2)
        rest = [Conv(f"{prefix}_{i}", width, kernel) for i, (width, kernel) in each]
        return (Conv(f"{prefix}_1", narrow), *rest)

    return Mixed(
        f"{name}.",
        (
            (Conv("branch1x1", 192),),
            chain("branch7x7", one),
            chain("branch7x7dbl", two),
            (Pool("mean"), Conv("branch_pool", 192)),
        ),
    )


def block_e(name: str, pool: str) -> Mixed:
    """8 by 8 pixels."""

    def fork(prefix: str) -> Mixed:
        return Mixed(prefix, ((Conv("a", 384, (1, 3)),), (Conv("b", 384, (3, 1)),)))

    double = (Conv("branch3x3dbl_1", 448), Conv("branch3x3dbl_2", 384, (3, 3)))
    return Mixed(
        f"{name}.",
        (
            (Conv("branch1x1", 320),),
            (Conv("branch3x3_1", 384), fork("branch3x3_2")),
            (*double, fork("branch3x3dbl_3")),
            (Pool(pool), Conv("branch_pool", 192)),
        ),
    )


STEPS: Steps = (
    Conv("Conv2d_1a_3x3", 32, (3, 3), **HALVE),
    Conv("Conv2d_2a_3x3", 32, (3, 3), padding="VALID"),
    Conv("Conv2d_2b_3x3", 64, (3, 3)),
    Pool("max", **HALVE),
    Conv("Conv2d_3b_1x1", 80),
    Conv("Conv2d_4a_3x3", 192, (3, 3), padding="VALID"),
    Pool("max", **HALVE),
    block_a("Mixed_5b", 32),
    block_a("Mixed_5c", 64),
    block_a("Mixed_5d", 64),
    Mixed(
        "Mixed_6a.",
        (
            (Conv("branch3x3", 384, (3, 3), **HALVE),),
            (
                Conv("branch3x3dbl_1", 64),
                Conv("branch3x3dbl_2", 96, (3, 3)),
                Conv("branch3x3dbl_3", 96, (3, 3), **HALVE),
            ),
            (Pool("max", **HALVE),),
        ),
    ),
    block_c("Mixed_6b", 128),
    block_c("Mixed_6c", 160),
    block_c("Mixed_6d", 160),
    block_c("Mixed_6e", 192),
    Mixed(
        "Mixed_7a.",
        (
            (Conv("branch3x3_1", 192), Conv("branch3x3_2", 320, (3, 3), **HALVE)),
            (
                Conv("branch7x7x3_1", 192),
                Conv("branch7x7x3_2", 192, (1, 7)),
                Conv("branch7x7x3_3", 192, (7, 1)),
                Conv("branch7x7x3_4", 192, (3, 3), **HALVE),
            ),
            (Pool("max", **HALVE),),
        ),
    ),
    block_e("Mixed_7b", "mean"),
    block_e("Mixed_7c", "max"),
)
