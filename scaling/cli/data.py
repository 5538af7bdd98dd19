"""The commands `data check` and `data encode`: sets of images of your own."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(
    name="data", help="Check images of your own, or encode them once.", no_args_is_help=True
)
PathArgument = Annotated[Path, typer.Argument(help="a directory of images or shards, or one file")]
FormatOption = Annotated[str, typer.Option("--format", help="where the files' names do not tell")]
ImageOption = Annotated[str, typer.Option("--image", help="what the image is called: data.fields")]
CaptionOption = Annotated[str, typer.Option("--caption", help="what the caption is called")]
LabelOption = Annotated[str, typer.Option("--label", help="what the class is called")]


@app.command()
def check(
    path: PathArgument,
    *,
    kind: FormatOption = "auto",
    image: ImageOption = "",
    caption: CaptionOption = "",
    label: LabelOption = "",
    everything: Annotated[
        bool, typer.Option("--all", help="name all that is wrong, not only the first 20")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="for machines")] = False,
) -> None:
    """Decode every image once; say what there is, and name what cannot be used.

    What cannot be decoded, or has another checksum than was written with it (tfrecord), is listed
    in the cache, for data.on_error to act by. Exit status 1 where anything is wrong.
    """
    import json
    from dataclasses import asdict

    from scaling.cli import SOME_FAILED
    from scaling.data.files.report import lines, report

    fields = {"image": image, "caption": caption, "label": label}
    with bar("images") as progress:
        found = report(str(path), kind, fields, progress)
    if as_json:
        typer.echo(json.dumps(asdict(found), indent=1))
    else:
        typer.echo("\n".join(lines(found, most=None if everything else 20)))
    if found.faults:
        raise typer.Exit(SOME_FAILED)


@app.command()
def encode(
    path: PathArgument,
    output: Annotated[Path, typer.Argument(metavar="FILE.npz", help="what to write")],
    *,
    text: Annotated[
        str,
        typer.Option(help="of captions: wordllama, or FILE.py:FUNCTION from texts to [b, t, e]"),
    ] = "",
    images: Annotated[
        str,
        typer.Option(
            help="of pixels: FILE.py:FUNCTION from uint8 [b, h, w, c] to means [b, h', w', c'], or "
            "to (means, standard deviations)"
        ),
    ] = "",
    size: Annotated[int, typer.Option(min=1, help="pixels a side that are encoded")] = 256,
    channels: Annotated[int, typer.Option(min=1, max=3, help="3, or 1 for grey")] = 3,
    held_out: Annotated[float, typer.Option(help="share of images kept from training")] = 0.1,
    conditions: Annotated[
        str, typer.Option(help="captions, labels or none, beside latents")
    ] = "auto",
    skip: Annotated[bool, typer.Option("--skip", help="leave out what cannot be used")] = False,
    at_once: Annotated[int, typer.Option(min=1, help="images or captions in one call")] = 64,
    kind: FormatOption = "auto",
    image: ImageOption = "",
    caption: CaptionOption = "",
    label: LabelOption = "",
) -> None:
    """Encode captions for data.conditions_file, or images for `data: {source: latents}`.

    The file says what made it: hashes of the images, of the encoder's file, and the settings.
    """
    from pydantic import ValidationError

    from scaling.config.files import FilesData
    from scaling.data.files.encode import encode_images, encode_text
    from scaling.errors import InputError

    if not text and not images:
        raise InputError("say what to encode: --text wordllama, --images vae.py:encode, or both")
    given: dict[str, Any] = {
        "path": str(path),
        "format": kind,
        "size": size,
        "channels": channels,
        "held_out": held_out,
        "conditions": "captions" if text and conditions == "auto" else conditions,
        "on_error": "skip" if skip else "fatal",
        "fields": {"image": image, "caption": caption, "label": label},
    }
    try:
        config = FilesData.model_validate(given)
    except ValidationError as error:
        told = (str(one["msg"]).removeprefix("Value error, ") for one in error.errors())
        raise InputError("; ".join(told)) from None
    output.parent.mkdir(parents=True, exist_ok=True)
    if not images:
        encode_text(config, output, text, at_once)
    else:
        with bar("encoded") as progress:
            options: dict[str, Any] = {"text_encoder": text, "at_once": at_once}
            encode_images(config, output, images, progress=progress, **options)
    use = f"source: latents, file: {output}" if images else f"conditions_file: {output}"
    typer.echo(f"{output}: of {path} ({config.digest}); data: {{{use}, ...}}")


@contextmanager
def bar(what: str) -> Iterator[Callable[[int, int], None]]:
    """Counts on standard error where that is a terminal: (done, of all)."""
    if not sys.stderr.isatty():
        yield lambda done, count: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task(what, total=None)
        yield lambda done, count: bars.update(task, completed=min(done, count), total=count)
