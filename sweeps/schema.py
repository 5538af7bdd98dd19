"""The JSON Schema of a manifest, for editors: every section, and every dotted path of a sweep."""

from typing import Any

from scaling.config import RunConfig
from sweeps.fields import dotted_paths
from sweeps.sections import ManifestHeader


def schema() -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of manifest files.

    Nothing but a section's variant is required: what the base leaves out, the sweep may set.
    """
    run = RunConfig.model_json_schema()
    header = ManifestHeader.model_json_schema()
    definitions = {**run["$defs"], **header["$defs"]}
    for definition in definitions.values():
        definition.pop("required", None)
    for mapping in definitions["SweepConfig"]["properties"].values():
        lists = "additionalProperties" in mapping
        target = mapping if lists else mapping["items"]
        target["properties"] = {
            path: {"type": "array", "minItems": 1, "items": found} if lists else found
            for path, found in _by_path(run, definitions).items()
        }
        target["additionalProperties"] = False
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "scaling manifest",
        "description": "A grid of runs: data, model, diffusion, train, measure, sweep, engine, fit",
        "type": "object",
        "properties": {**header["properties"], **run["properties"]},
        "additionalProperties": False,
        "$defs": definitions,
    }


def _by_path(run: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """The schema of each dotted path; a choice of schemas where variants share a name."""
    found: dict[str, list[Any]] = {path: [] for path in dotted_paths()}

    def visit(properties: dict[str, Any], prefix: str) -> None:
        for name, schema in properties.items():
            path = f"{prefix}{name}"
            known = {k: v for k, v in schema.items() if k not in ("title", "default")}
            if known not in found[path]:
                found[path].append(known)
            for reference in _references(schema):
                visit(definitions[reference].get("properties", {}), f"{path}.")

    visit(run["properties"], "")
    return {
        path: kinds[0] if len(kinds) == 1 else {"anyOf": kinds} for path, kinds in found.items()
    }


def _references(schema: dict[str, Any]) -> list[str]:
    choices = [schema, *schema.get("oneOf", []), *schema.get("allOf", [])]
    return [c["$ref"].rpartition("/")[2] for c in choices if "$ref" in c]
