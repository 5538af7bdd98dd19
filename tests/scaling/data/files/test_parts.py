"""Parts of a set in one place, and what Hugging Face's schema says of its classes."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from scaling.data.files import known as files
from scaling.data.files.example import key_of
from scaling.data.source import load
from tests.scaling.data.files import sets
from tests.scaling.data.files.test_faults import COUNT, config

pytestmark = pytest.mark.usefixtures("own_cache")


@pytest.mark.parametrize("kind", ["arrow", "parquet", "sidecars"])
def test_a_training_and_a_test_set_are_not_merged(tmp_path, kind):
    """Of a DatasetDict, a folder each; the folder of one of them is a set."""
    told = sets.told(COUNT)
    sets.FORMATS[kind](tmp_path / "set" / "train", told[:30])
    sets.FORMATS[kind](tmp_path / "set" / "test", told[30:])
    with pytest.raises(ValidationError, match=r"holds the parts test, train of a set.*/train'"):
        config(tmp_path / "set", conditions="captions")
    assert load(config(tmp_path / "set" / "train")).facts.examples < 30


def test_parts_that_only_shards_are_called_by_are_named_by_a_pattern(tmp_path):
    told = sets.told(COUNT)
    sets.parquet(tmp_path / "set", told[:30])
    sets.parquet(tmp_path / "other", told[30:])
    for path in (tmp_path / "other").iterdir():
        path.rename(tmp_path / "set" / path.name.replace("train", "test"))
    with pytest.raises(ValidationError, match=r"name one of them, .*\*test\*' or .*\*train\*'"):
        config(tmp_path / "set")
    of_one = config(tmp_path / "set" / "train-*.parquet")
    assert of_one.digest == config(tmp_path / "set" / "*train*").digest
    source = load(of_one)
    assert source.facts.examples + source.facts.held_out == 30


def test_names_of_a_class_label_are_the_classes(tmp_path):
    """As Hugging Face's `datasets` declares them in the schema."""
    import pyarrow as pa
    from pyarrow import parquet

    names = ["ant", "bee", "cow"]
    features = {"label": {"names": names, "_type": "ClassLabel"}, "image": {"_type": "Image"}}
    table = pa.table(
        {
            "image": [{"bytes": content, "path": None} for content, _ in sets.told(COUNT)],
            "label": [row % 3 for row in range(COUNT)],
        }
    ).replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    parquet.write_table(table, tmp_path / "set.parquet")
    data = config(tmp_path / "set.parquet")
    source = load(data)
    assert data.conditions == "labels"
    assert sorted(set(source.decode(np.asarray(source.arrays.tokens)))) == names
    (red,) = np.flatnonzero(
        [e.key == key_of(sets.told(1)[0][0]) for e in files.known(data).selection.examples]
    )
    assert files.known(data).captions[red] == "ant"
