"""How features came about: whatever differs here makes two distances incomparable."""

from collections.abc import Mapping
from dataclasses import dataclass

from scaling.errors import InputError
from scaling.measure.features import resize
from scaling.measure.features.network import Network

UNKNOWN = "not recorded"


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """Of one set of features."""

    network: str
    network_sha256: str = UNKNOWN
    input_size: str = UNKNOWN
    resize: str = UNKNOWN
    pillow: str = UNKNOWN
    image_range: str = UNKNOWN


GIVEN = Protocol(network="given features")
"""Of features that somebody else computed."""


def of(network: Network) -> Protocol:
    """What `network` makes with the libraries installed here."""
    return Protocol(
        network=network.name,
        network_sha256=network.sha256,
        input_size=str(network.size),
        resize=network.resize.method,
        pillow=resize.version(),
        image_range="uint8, 0..255",
    )


def alike(a: Mapping[str, object], b: Mapping[str, object], names: tuple[str, str]) -> None:
    """InputError naming every field in which two protocols differ, and the values."""
    differing = [key for key in [*a, *(k for k in b if k not in a)] if a.get(key) != b.get(key)]
    if differing:
        told = "; ".join(
            f"{key} is {a.get(key, UNKNOWN)} in {names[0]} and {b.get(key, UNKNOWN)} in {names[1]}"
            for key in differing
        )
        raise InputError(f"{names[0]} and {names[1]} cannot be compared: {told}")
