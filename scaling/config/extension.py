"""A user's own function, named by the file that it stands in."""

import hashlib
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from scaling.config.section import Section


class FromFile(Section):
    """A function of a Python file: `function: my_densities.py:ramp`, called with `parameters`.

    The path is taken from the directory in which `scaling` is called. The file's hash becomes part
    of the configuration, so a run's name changes when the file does.
    """

    name: Literal["file"]
    function: str = Field(
        pattern=r"^.+\.py:[A-Za-z_]\w*$", description="path/to/file.py:function_name"
    )
    parameters: dict[str, float] = Field(default={}, description="keyword arguments")
    digest: str = Field(default="", description="of the file; filled in")

    @property
    def file(self) -> Path:
        """The Python file."""
        return Path(self.function.rpartition(":")[0])

    @model_validator(mode="before")
    @classmethod
    def _digest(cls, given: Any) -> Any:
        function = given.get("function") if isinstance(given, dict) else None
        if not isinstance(function, str):
            return given
        file = Path(function.rpartition(":")[0])
        if not file.is_file():
            raise ValueError(f"function: there is no file '{file}' in {Path.cwd()}")
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:12]
        if given.get("digest") and given["digest"] != digest:
            raise ValueError(
                f"function: '{file}' has changed: its hash is {digest}, not {given['digest']}; "
                "give the changed file a name of its own, or start a new directory"
            )
        return {**given, "digest": digest}
