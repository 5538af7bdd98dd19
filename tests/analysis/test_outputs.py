"""What is written: a page that loads nothing, the same bytes twice, tables that LaTeX can read."""

import re
from html.parser import HTMLParser

import pytest

import analysis
from analysis.every_table import write_tables
from analysis.figures import draw, write_figures
from analysis.formats import FORMATS, Sheet
from analysis.outputs import write_all


@pytest.fixture(scope="module")
def written(sweep, tmp_path_factory):
    directory = tmp_path_factory.mktemp("out")
    settings = analysis.FitSettings(bootstrap=200)
    write_all(analysis.analyse([analysis.read(sweep)], settings), directory)
    return directory


class Links(HTMLParser):
    def __init__(self):
        super().__init__()
        self.loads, self.ids = [], []

    def handle_starttag(self, tag, attrs):
        for name, value in attrs:
            if name in ("src", "href", "xlink:href", "data", "srcset"):
                self.loads.append(value)
            if name == "id":
                self.ids.append(value)
        assert tag not in ("link", "iframe", "object")


def test_the_report_loads_nothing_from_outside(written):
    text = (written / "report.html").read_text()
    page = Links()
    page.feed(text)
    assert page.loads
    assert all(value.startswith(("#", "data:")) for value in page.loads)
    assert not re.search(r"url\((?!#)|@import", text)
    assert len(page.ids) == len(set(page.ids))


def test_the_report_shows_what_was_asked(written):
    text = (written / "report.html").read_text()
    for part in ("The law holds", "Predicted and measured", "closed-form floor", "data-limited",
                 "Protocol 1a2b3c4d", "Nothing was left out"):  # fmt: skip
        assert part in text, part
    assert text.count("<svg ") == 6
    assert "data:image/png;base64," in text


def test_every_figure_and_table_is_written(written):
    names = {path.name for path in (written / "figures").iterdir()}
    assert names == {
        f"{stem}.{suffix}"
        for stem in ("size", "steps", "predicted", "noise_levels", "excess", "gap", "samples")
        for suffix in ("pdf", "svg", "png")
    }
    names = {path.name for path in (written / "tables").iterdir()}
    stems = ("runs", "rungs", "fits", "diagnostics", "residuals", "hold_out", "laws")
    assert names == {f"{stem}.{suffix}" for stem in stems for suffix in ("tex", "csv", "md")}


def test_the_same_data_give_the_same_bytes(written, sweep, tmp_path):
    study = analysis.analyse([analysis.read(sweep)], analysis.FitSettings(bootstrap=200))
    study.save(tmp_path / "fits.json")
    write_figures(draw(study, ("size", "samples")), tmp_path / "figures")
    write_tables(study, tmp_path / "tables")
    again = sorted(path for path in tmp_path.rglob("*.*") if path.is_file())
    assert len(again) == 1 + 6 + 21
    for path in again:
        assert path.read_bytes() == (written / path.relative_to(tmp_path)).read_bytes(), path.name


def test_fonts_are_embedded_as_truetype(written):
    content = (written / "figures" / "size.pdf").read_bytes()
    assert b"/FontFile2" in content
    assert b"/Type3" not in content


def test_formats_escape_what_they_must():
    sheet = Sheet(title="t", headings=("a_b", "alpha", "c"), rows=(("50% & more", "x,y|z", '"q"'),))
    assert r"50\% \& more" in FORMATS["tex"](sheet)
    assert r"a\_b & $\alpha$ & c \\" in FORMATS["tex"](sheet)
    assert '50% & more,"x,y|z","""q"""' in FORMATS["csv"](sheet)
    assert r"x,y\|z" in FORMATS["md"](sheet)
