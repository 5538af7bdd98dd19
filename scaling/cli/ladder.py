"""The command `ladder`."""

from typing import Annotated

import typer


def ladder(
    family: Annotated[str, typer.Argument(help="a model family, such as dit")],
    size: Annotated[int, typer.Option(min=1, help="pixels a side")] = 16,
    patch_size: Annotated[int, typer.Option(min=1, help="pixels a side of one token")] = 2,
    channels: Annotated[int, typer.Option(min=1)] = 3,
    vocabulary: Annotated[int, typer.Option(min=0, help="words of the captions")] = 0,
    length: Annotated[int, typer.Option(min=1, help="words of one caption")] = 1,
    conditioning: Annotated[str, typer.Option(help="pooled, in_context, ...")] = "pooled",
    evaluations: Annotated[
        int, typer.Option(min=1, help="of the network to sample one image, guidance's included")
    ] = 50,
) -> None:
    """Print the sizes of a family with their parameters and FLOPs, and those published."""
    from models.counting import sampling_flops
    from models.families import FAMILIES, count
    from models.inputs import Inputs
    from scaling.errors import InputError
    from sweeps.problems import nearest

    if family not in FAMILIES:
        near = nearest(family, FAMILIES) or f"; there are: {', '.join(FAMILIES)}"
        raise InputError(f"no ladder '{family}'{near}")
    if size % patch_size:
        raise InputError(f"patches of {patch_size} pixels do not tile an image of {size}")
    inputs = Inputs(size=size, channels=channels, vocabulary=vocabulary, length=length)
    typer.echo(
        f"{family}, {size}x{size}x{channels} images, patches of {patch_size}; FLOPs an image"
    )
    headings = ["rung", "depth", "width", "heads", "parameters", "without emb.", "active"]
    rows = [[*headings, "forward", "training", f"{evaluations} evaluations"]]
    for rung in FAMILIES[family].rungs.values():
        shape = FAMILIES[family].shape(
            rung=rung, inputs=inputs, patch_size=patch_size, conditioning=conditioning
        )
        counts = count(family, shape)
        whole = (counts.parameters, counts.parameters_non_embedding, counts.parameters_active)
        flops = (counts.forward_flops, counts.training_flops, sampling_flops(counts, evaluations))
        sizes = [str(number) for number in (rung.depth, rung.width, rung.heads)]
        rows.append([rung.name, *sizes, *map("{:,}".format, whole), *map("{:.3e}".format, flops)])
    typer.echo(_aligned(rows))

    typer.echo("\nAs published: printed there, counted here")
    rows = [["", "parameters", "counted", "multiply-adds", "counted", "FLOPs forward", "training"]]
    for known in FAMILIES[family].published:
        counts = count(family, known.shape)
        rows.append(
            [
                known.name,
                f"{known.parameters} M" if known.parameters else "-",
                f"{counts.parameters / 1e6:.2f} M",
                f"{known.multiply_adds} G" if known.multiply_adds else "-",
                f"{counts.multiply_adds / 1e9:.3f} G",
                f"{counts.forward_flops:.3e}",
                f"{counts.training_flops:.3e}",
            ]
        )
    typer.echo(_aligned(rows))


def _aligned(rows: list[list[str]]) -> str:
    """The first column to the left, the others to the right."""
    first, *widths = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(
        name.ljust(first) + "".join(f"  {c:>{w}}" for c, w in zip(rest, widths, strict=True))
        for name, *rest in rows
    )
