"""The manifest's switch reaches the training of every worker."""

import pytest

from scaling.profile import Window
from sweeps.manifest import loads
from sweeps.worker import trainer
from tests.sweeps.examples import SIX, make_store


@pytest.mark.parametrize(
    ("section", "expected"),
    [
        ("", None),
        ("engine: {profile: {first: 7, steps: 3}}\n", Window(first=7, steps=3)),
    ],
)
def test_the_window_that_was_asked_for_is_traced(section, expected, tmp_path, monkeypatch):
    given = []
    monkeypatch.setattr(
        "scaling.run.run_cohort", lambda _, execution, progress: given.append(execution)
    )
    train = trainer(make_store(tmp_path / "s", SIX + section))
    train([], print)
    assert given[0].profile == expected


@pytest.mark.parametrize(
    ("section", "message"),
    [
        ("{first: 7}", "engine.profile.steps: is missing"),
        ("{first: 7, steps: 0}", "engine.profile.steps: "),
        ("{frist: 7, steps: 3}", "engine.profile.frist: unknown key"),
    ],
)
def test_a_window_that_makes_no_sense_is_said(section, message):
    with pytest.raises(Exception, match=r"m\.yaml") as caught:
        loads(SIX + f"engine: {{profile: {section}}}\n", file="m.yaml")
    assert message in str(caught.value)
