"""The report's explorer as a reader has it: marks where axes say, choices, keys, sorting."""

import json
import math
import re
from dataclasses import replace
from html import escape

import numpy as np
import pandas as pd
import pytest

import analysis
from analysis.headline import parameters_in_words
from analysis.report import render
from tests.analysis.browser import look
from tests.analysis.synthetic import write_sweep

SEEN = """
const texts = (anchor) => $$(`.stage .ticks text[text-anchor=${anchor}]:not(.label)`)
  .map((t) => [t.textContent, +t.getAttribute(anchor === "end" ? "y" : "x")]);
const seen = () => ({
  x: texts("middle"), y: texts("end"),
  circles: $$(".stage > svg > circle").map((c) =>
    [c.classList[1], +c.getAttribute("cx"), +c.getAttribute("cy")]),
  left_out: $$(".stage > svg > .mark.out").length,
  predicted: $$(".stage > svg > .mark.predicted").length,
  limits: $$(".stage .limit").length,
  lines: $$(".stage > svg .line").length, bands: $$(".stage > svg .band").length,
  legend: $(".legend").textContent, notes: $(".notes").textContent,
  law: $("[data-choice=law]").selectedOptions[0].textContent,
  panel: Object.fromEntries($$(".panel dt").map((dt) =>
    [dt.textContent, dt.nextSibling.textContent])),
});
"""
WALK = f"""{SEEN}
const out = {{ hidden: $(".explorer").hidden, first: seen() }};
press("End"); out.focused = seen();
press("Escape"); out.released = seen();
choose("law", "joint"); choose("axis", "steps"); out.steps = seen();
choose("law", "floor"); press("End"); out.along = seen(); choose("law", "joint");
choose("metric", 1); out.other = seen();
const labels = [...$("[data-choice=metric]").options].map((option) => option.text);
choose("metric", labels.indexOf("score")); out.rising = seen();
choose("metric", 0); choose("law", ""); out.none = seen();
const heading = $$("th").find((th) => th.textContent === "value");
const body = heading.closest("table").tBodies[0];
const column = () => [...body.rows].map((row) => row.cells[heading.cellIndex].textContent);
heading.firstChild.click(); out.ascending = column();
heading.firstChild.click(); out.descending = column();
out.wide = document.documentElement.scrollWidth > innerWidth;
return out;
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    sweep = write_sweep(tmp_path_factory.mktemp("sweep"), diverged=[(2, 1)])
    table = analysis.read(sweep)
    rows = table.frame[table.frame["metric"] == "uniform_loss"]
    rising = rows.assign(metric="score", value=1 / rows["value"])
    table = replace(table, frame=pd.concat([table.frame, rising], ignore_index=True))
    return analysis.analyse([table], analysis.FitSettings(bootstrap=100))


@pytest.fixture(scope="module")
def page(study):
    return render(study, "</script><b>bold", [])


@pytest.fixture(scope="module")
def walk(page, tmp_path_factory):
    return look(page, WALK, tmp_path_factory.mktemp("browser"))


def read(text: str) -> float:
    """A tick's number."""
    number, unit = re.fullmatch(r"([\d.]+)([kMBT]?)", text).groups()
    return float(number) * 10 ** (3 * " kMBT".index(unit or " "))


def values(ticks, pixels):
    """What logarithmic ticks [(text, pixel)] say that pixels are."""
    at = np.polyfit([y for _, y in ticks], [math.log(read(text)) for text, _ in ticks], 1)
    return np.exp(np.polyval(at, pixels))


def test_marks_are_where_the_ticks_say(walk, study):
    seen, points = walk["first"], study.series[0].selection.at(4000)
    assert len(seen["x"]) >= 3
    assert len(seen["y"]) >= 3
    sizes = values(seen["x"], [x for _, x, _ in seen["circles"]])
    assert sorted(sizes) == pytest.approx(sorted(points["size"]), rel=0.01)
    ticks = [(text, y - 4) for text, y in seen["y"]]  # the baseline is 4 pixels below the middle
    losses = values(ticks, [y for *_, y in seen["circles"]])
    assert sorted(losses) == pytest.approx(sorted(points["value"]), rel=0.01)


def test_runs_are_fitted_held_out_or_left_out(walk):
    seen = walk["first"]
    assert not walk["hidden"]
    kinds = [kind for kind, *_ in seen["circles"]]
    assert (kinds.count("fitted"), kinds.count("held")) == (9, 2)
    assert (seen["left_out"], seen["predicted"], seen["bands"]) == (1, 1, 1)
    for text in ("held-out run", "left out of the fits", "predicted", "95% interval"):
        assert text in seen["legend"]


def test_keys_go_from_run_to_run_and_tell_of_it(walk, study):
    points = study.series[0].selection.at(4000)
    largest = points[points["rung"] == "w6"]
    panel = walk["focused"]["panel"]
    (row,) = largest[largest["run"] == panel["run"]].itertuples()
    assert (panel["rung"], panel["seed"], panel["steps"]) == ("w6", str(row.seed), "4,000")
    value, error = panel["importance-weighted loss"].split(" ± ")
    assert float(value) == pytest.approx(row.value, rel=0.01)
    assert float(error) == pytest.approx(row.standard_error, rel=0.05)
    assert panel["in the fits"] == "held out, to test the law"
    assert "]: " in panel["predicted"]
    assert walk["released"]["panel"] == {}


def test_over_steps_every_rung_has_the_joint_laws_curve(walk, study):
    seen = walk["steps"]
    points = study.series[0].selection.points
    assert seen["lines"] == seen["bands"] == 6
    assert len(seen["circles"]) == len(points)
    assert sorted(values(seen["x"], [x for _, x, _ in seen["circles"]])) == pytest.approx(
        sorted(points["steps"]), rel=0.01
    )


def test_a_law_of_size_is_over_steps_each_rungs_own(walk, study):
    first, along = walk["first"], walk["along"]
    assert (first["limits"], along["limits"]) == (1, 0)
    assert (along["lines"], along["bands"], along["predicted"]) == (6, 0, 0)
    assert "each rung by itself" in along["notes"]
    fit = study.series[0].fit("floor", along["panel"]["rung"])
    assert along["panel"]["law of this rung"] == parameters_in_words(fit)


def test_another_metric_has_the_same_law_fitted_to_it(walk):
    seen, steps = walk["other"], walk["steps"]
    assert (seen["lines"], seen["bands"]) == (steps["lines"], steps["bands"]) == (6, 6)
    assert seen["law"] == steps["law"]
    assert seen["notes"].partition(", fitted")[0] == steps["notes"].partition(", fitted")[0]
    assert seen["notes"] != steps["notes"]
    assert walk["none"]["lines"] == 0
    assert "No law was fitted" not in walk["none"]["notes"]


def test_a_metric_without_a_law_says_so_and_draws_none(walk):
    seen = walk["rising"]
    assert (seen["lines"], seen["bands"], seen["predicted"]) == (0, 0, 0)
    assert "No law was fitted to score of ema_0.1 weights: it rises with size" in seen["notes"]
    assert seen["law"] == "none fitted to this"


def test_a_heading_sorts_by_number_with_empty_cells_last(walk):
    numbers = [float(text) for text in walk["ascending"] if text]
    assert len(numbers) == len(walk["ascending"]) - 1
    assert walk["ascending"][-1] == walk["descending"][-1] == ""
    assert numbers == sorted(numbers)
    assert walk["descending"][:-1] == walk["ascending"][-2::-1]


def test_a_phone_need_not_scroll_sideways(page, tmp_path):
    # A window cannot be made narrower than a browser likes; a frame can.
    script = """
    const frame = $("iframe").contentWindow;
    return [frame.innerWidth, frame.document.documentElement.scrollWidth,
      frame.document.querySelectorAll(".stage > svg > circle").length];
    """
    outer = f'<body><iframe srcdoc="{escape(page)}" width="360" height="800"></iframe></body>'
    width, needed, circles = look(outer, script, tmp_path)
    assert width == 360
    assert needed <= width
    assert circles == 11


def test_without_scripts_the_explorer_is_not_there(page):
    assert re.search('<div class="explorer"[^>]* hidden>', page)
    block = re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)
    assert set(json.loads(block[1])) >= {"runs", "metrics", "law"}
    scripts = re.findall(r"<script[^>]*>", page)
    assert scripts == ['<script type="application/json">', '<script type="module">']
