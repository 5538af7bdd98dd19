"""Feature networks by name."""

import difflib
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from scaling.config.judge_files import sha256
from scaling.errors import InputError
from scaling.files import cache_directory
from scaling.measure.features.network import Network

SHIPPED = "efficientnet_lite0"
ROOM = "scaling.measure.features"
PINNED = re.compile(r"@([0-9a-f]{8,64})$")
"""The hash that a file is meant to have."""
FID = "https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights"
DINO = "https://dl.fbaipublicfiles.com/dinov2"
CLIP = "https://huggingface.co/openai"
LAION = "https://huggingface.co/laion/CLIP-ViT"


@dataclass(frozen=True)
class Published:
    """A network that we know and whose weights the user brings.

    `module` has `network(name, path)`; `stem` names the file in the cache.
    """

    module: str
    stem: str
    url: str


INCEPTION = Published("inception_v3", "inception_v3", f"{FID}/pt_inception-2015-12-05-6726825d.pth")
PUBLISHED = {
    "inception_v3": INCEPTION,
    "inception_v3_clean": INCEPTION,
    "dinov2_b14": Published(
        "dinov2", "dinov2_b14", f"{DINO}/dinov2_vitb14/dinov2_vitb14_pretrain.pth"
    ),
    "dinov2_l14": Published(
        "dinov2", "dinov2_l14", f"{DINO}/dinov2_vitl14/dinov2_vitl14_pretrain.pth"
    ),
    "clip_b32": Published("clip", "clip_b32", f"{CLIP}/clip-vit-base-patch32"),
    "clip_b16": Published("clip", "clip_b16", f"{CLIP}/clip-vit-base-patch16"),
    "clip_l14": Published("clip", "clip_l14", f"{CLIP}/clip-vit-large-patch14"),
    "clip_l14_336": Published("clip", "clip_l14_336", f"{CLIP}/clip-vit-large-patch14-336"),
    "openclip_b32": Published("clip", "openclip_b32", f"{LAION}-B-32-laion2B-s34B-b79K"),
    "openclip_b16": Published("clip", "openclip_b16", f"{LAION}-B-16-laion2B-s34B-b88K"),
    "openclip_l14": Published("clip", "openclip_l14", f"{LAION}-L-14-laion2B-s32B-b82K"),
    "openclip_h14": Published("clip", "openclip_h14", f"{LAION}-H-14-laion2B-s32B-b79K"),
}


def named(text: str) -> Network:
    """The network shipped here, a published one, an ONNX file's, or a function's of the user.

    InputError for none of them, and for a file that is missing, another network's, or not the one
    whose SHA-256, or its first digits, `text` ends in after an `@`.
    """
    file = present(text)
    if file is None:
        return import_module(f"{ROOM}.{SHIPPED}").network()
    text = PINNED.sub("", text)
    if (name := text.partition("=")[0]) in PUBLISHED:
        return published(name, file)
    if file.suffix == ".onnx":
        return import_module(f"{ROOM}.onnx").network(file)
    return import_module(f"{ROOM}.user").network(file, text.rpartition(":")[2])


def present(text: str) -> Path | None:
    """The file that decides what `named(text)` computes, which is there and is the one meant."""
    file = file_of(text)
    pinned = PINNED.search(text)
    if file is None and pinned:
        raise InputError(f"network '{text}': {SHIPPED} is shipped here, and needs no file's hash")
    if file is None:
        return None
    if not file.is_file():
        raise InputError(missing(text, file))
    if pinned and not (found := sha256(file)).startswith(pinned[1]):
        raise InputError(
            f"network '{text}': the SHA-256 of '{file}' is {found}, not {pinned[1]}: it is "
            f"another file than the one meant"
        )
    return file


def missing(text: str, file: Path) -> str:
    """What to tell of a file that there is not."""
    name = text.partition("=")[0].partition("@")[0]
    if name not in PUBLISHED:
        return f"network '{text}' needs the file '{file}', which there is not (in {Path.cwd()})"
    return (
        f"network '{name}' needs its weights, and there is no file '{file}'. They are published "
        f"at {PUBLISHED[name].url}: put them at '{kept(name)}' as safetensors, or name your file "
        f"as {name}=FILE (of a file of PyTorch's, you will be told how to convert it)"
    )


def file_of(text: str) -> Path | None:
    """Where that file is looked for; None for the network shipped here."""
    text = PINNED.sub("", text)
    name, given, path = text.partition("=")
    file, _, _ = text.rpartition(":")
    if name in PUBLISHED:
        return Path(path) if given else kept(name)
    if text == SHIPPED:
        return None
    if file.endswith(".py"):
        return Path(file)
    if text.endswith(".onnx"):
        return Path(text)
    names = [SHIPPED, *PUBLISHED]
    near = difflib.get_close_matches(name, names, 1)
    meant = f"; did you mean '{near[0]}'?" if near else ""
    raise InputError(
        f"no network '{text}'{meant}; there are: {', '.join(names)}; "
        "FILE.onnx, and your own as FILE.py:FUNCTION; after @, the first digits of a file's SHA-256"
    )


def kept(name: str) -> Path:
    """Where the weights are looked for if no file is named."""
    return cache_directory("networks") / f"{PUBLISHED[name].stem}.safetensors"


def published(name: str, path: Path) -> Network:
    """With the weights of `path`."""
    try:
        return import_module(f"{ROOM}.{PUBLISHED[name].module}").network(name, path)
    except ValueError as error:
        raise InputError(f"network '{name}': {path}: {error}") from error
