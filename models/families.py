"""Every family, by name."""

from models.counting import Counts, total
from models.family import Family, Shape
from models.ladder import Rung
from models.networks.dit.family import DIT
from models.networks.edm2.family import EDM2
from models.networks.uvit.family import UVIT

FAMILIES: dict[str, Family] = {family.name: family for family in (DIT, EDM2, UVIT)}


def ladder(family: str) -> tuple[Rung, ...]:
    """The rungs of `family`, smallest first; KeyError names the families there are."""
    if family not in FAMILIES:
        raise KeyError(f"no family '{family}'; there are: {', '.join(FAMILIES)}")
    return tuple(FAMILIES[family].rungs.values())


def count(family: str, shape: Shape) -> Counts:
    """Parameters, FLOPs and kept numbers of a network of this family and shape."""
    return total(FAMILIES[family].layers(shape))
