"""The command `ladder`."""

from typing import TYPE_CHECKING, Annotated

import typer

from scaling.cli.aligned import aligned

if TYPE_CHECKING:
    from models.counting import Counts
    from models.family import Family


def ladder(
    family: Annotated[str, typer.Argument(help="a model family, such as dit")],
    size: Annotated[int, typer.Option(min=1, help="pixels a side")] = 16,
    patch_size: Annotated[int, typer.Option(min=1, help="pixels a side of one token")] = 2,
    channels: Annotated[int, typer.Option(min=1)] = 3,
    vocabulary: Annotated[int, typer.Option(min=0, help="words of the captions")] = 0,
    length: Annotated[int, typer.Option(min=1, help="words of one caption, or its vectors")] = 1,
    embedding_width: Annotated[
        int, typer.Option(min=0, help="of captions' vectors (CLIP ViT-L: 768); 0: words")
    ] = 0,
    conditioning: Annotated[str, typer.Option(help="pooled, in_context, ...")] = "pooled",
    published: Annotated[bool, typer.Option(help="as model.published builds them")] = False,
    evaluations: Annotated[
        int, typer.Option(min=1, help="of the network to sample one image, guidance's included")
    ] = 50,
) -> None:
    """Print the sizes of a family with their parameters, FLOPs and memory, and those published."""
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
    known = FAMILIES[family]
    if conditioning not in known.conditionings:
        ways = ", ".join(known.conditionings)
        raise InputError(f"a {family} has no conditioning '{conditioning}'; it has {ways}")
    inputs = Inputs(
        size=size,
        channels=channels,
        vocabulary=vocabulary,
        length=length,
        embedding_width=embedding_width,
    )
    try:
        shapes = [
            (known.published_shape if published else known.shape)(
                rung=rung, inputs=inputs, patch_size=patch_size, conditioning=conditioning
            )
            for rung in known.rungs.values()
        ]
    except ValueError as error:
        raise InputError(str(error)) from None
    counted = {shape.rung.name: count(family, shape) for shape in shapes}

    typer.echo(
        f"{family}, {size}x{size}x{channels} images, patches of {patch_size}; FLOPs an image"
    )
    headings = ["rung", "depth", "width", "heads", "parameters", "without emb.", "active"]
    rows = [[*headings, "forward", "training", f"{evaluations} evaluations"]]
    for name, counts in counted.items():
        rung = known.rungs[name]
        whole = (counts.parameters, counts.parameters_non_embedding, counts.parameters_active)
        flops = (counts.forward_flops, counts.training_flops, sampling_flops(counts, evaluations))
        sizes = [str(number) for number in (rung.depth, rung.width, rung.heads)]
        rows.append([name, *sizes, *map("{:,}".format, whole), *map("{:.3e}".format, flops)])
    typer.echo(aligned(rows))
    typer.echo(f"\n{_memory(counted)}")
    if known.follows_mup:
        typer.echo(f"\n{_heads(known)}")
    typer.echo(f"\n{_published(known)}")


def _memory(counted: "dict[str, Counts]") -> str:
    """Bytes of a run's state, and of what an image's backward pass keeps, by policy."""
    from sweeps.display import in_bytes

    headings = ["rung", "weights", "gradients", "moments", "an average"]
    rows = [[*headings, "activations", "all_but_products", "all"]]
    for name, counts in counted.items():
        each = 4 * counts.parameters
        kept = (4 * counts.kept[p] for p in ("nothing", "all_but_products", "all"))
        rows.append([name, *map(in_bytes, (each, each, 2 * each, each, *kept))])
    return (
        "Memory in float32; activations of one image, as they are and by train.rematerialise; in\n"
        f"bfloat16 they are half of that\n{aligned(rows)}"
    )


def _heads(family: "Family") -> str:
    """What a ladder for muP must keep and the small rungs do not."""
    from models.ladder import head_widths

    small = [rung for rung in family.rungs.values() if rung.name[0].isdigit()]
    widths = sorted(set(head_widths(small).values()))
    return (
        f"Heads of the small rungs are {widths[0]:g} to {widths[-1]:g} channels wide. For muP, "
        "which wants one width at\nall sizes, give a ladder such as "
        "{rule: {sizes: [1, 2, 4, 8], depth: 3, width: 24 * n, heads: n}}"
    )


def _published(family: "Family") -> str:
    """The figures that papers print beside those counted here."""
    from textwrap import fill

    from models.families import count

    rows = [["", "parameters", "counted", "multiply-adds", "counted", "FLOPs forward", "training"]]
    for known in family.published:
        counts = count(family.name, known.shape)
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
    notes = [fill(note, 95) for note in family.notes]
    return "\n".join(["As published: printed there, counted here", aligned(rows), *notes])
