"""Votes out of a sweep and into it: `scaling votes export` and `import`."""

import csv
import io
import subprocess
import sys

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import analysis.preference.votes as tables
from analysis.preference.vote_columns import COLUMNS
from scaling.cli import main
from scaling.preference.vote import Vote
from scaling.preference.votes import VoteFile
from tests.preference.sweep import sweep

FAMILIAR = """\
Caption,model_a,model_b,Preference,WorkerId
cup,{run},real,A,w1
"hat, ""red""
noto",real,{run},model_b,w1
cup,{run},{other},tie,w2
dog,{other},real,{other},w2
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return sweep(tmp_path_factory.mktemp("sweep") / "s", prompts=4)


@pytest.fixture
def place(store, tmp_path):
    """A sweep without votes, and its runs."""
    (store.directory / "votes.jsonl").unlink(missing_ok=True)
    return store.directory, [run.id for run in store.runs]


def scaling(monkeypatch, capfd, *words) -> tuple[int, str]:
    monkeypatch.setattr(sys, "argv", ["scaling", *map(str, words)])
    try:
        status = main()
    except SystemExit as end:
        status = end.code
    said = capfd.readouterr()
    return status or 0, said.out + said.err


def test_a_crowds_table_comes_in_once(place, tmp_path, monkeypatch, capfd):
    directory, (run, other, _) = place
    file = tmp_path / "crowd.csv"
    file.write_text(FAMILIAR.format(run=run, other=other))
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file)
    assert status == 0 and "4 votes added, 0 were there already" in said
    frame = tables.read(directory / "votes.jsonl")
    assert frame["choice"].tolist() == ["first", "first", "tie", "first"]
    assert frame["second"].tolist() == ["real", "real", other, "real"]
    assert frame["kind"].tolist() == ["generated_real"] * 2 + ["models", "generated_real"]
    before = (directory / "votes.jsonl").read_bytes()
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file)
    assert status == 0 and "0 votes added, 4 were there already" in said
    assert (directory / "votes.jsonl").read_bytes() == before


def test_controls_of_one_caption_stay_several(place, tmp_path, monkeypatch, capfd):
    directory, (run, *_) = place
    file = tmp_path / "crowd.csv"
    rows = ["cup,real,real,a,w1", "cup,real,real,b,w1", "cup,real,real,a,w2"]
    rows += ["cup,real,degraded,a,w1"] * 2 + [f"cup,{run},real,a,w1"] * 2
    file.write_text("\n".join(["prompt,first,second,choice,rater", *rows]) + "\n")
    for told in ("6 votes added, 1 were there already", "0 votes added, 7 were there already"):
        assert told in scaling(monkeypatch, capfd, "votes", "import", directory, file)[1]
    frame = tables.read(directory / "votes.jsonl")
    assert frame.groupby("kind").size().to_dict() == {"check": 2, "control": 3, "generated_real": 1}
    assert frame[frame["kind"] == "control"].groupby("pair").size().tolist() in ([1, 2], [2, 1])


@pytest.mark.parametrize(
    ("header", "row", "columns", "told"),
    [
        ("caption,left,right,answer,user", "cup,{run},real,right,u", None, "second"),
        ("caption,left,right,answer,user", "cup,real,{run},right,u", None, "first"),
        ("prompt,first,second,left,choice,rater", "cup,{run},real,second,left,u", None, "second"),
        ("p,x,y,c,u", "cup,{run},real,2,u", "prompt=p,first=x,second=y,choice=c,rater=u", "second"),
        ("prompt,winner,a,b,rater,other", "cup,real,{run},real,u,9", None, "second"),
    ],
)
def test_columns_are_recognised_or_named(
    place, tmp_path, monkeypatch, capfd, header, row, columns, told
):
    directory, (run, *_) = place
    file = tmp_path / "crowd.csv"
    file.write_text(f"{header}\n{row.format(run=run)}\n")
    more = ["--columns", columns] if columns else []
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file, *more)
    assert status == 0, said
    (choice,) = tables.read(directory / "votes.jsonl")["choice"]
    assert choice == told


GOOD = "cup,{run},real,first,w1"
HEADER = "prompt,first,second,choice,rater,seconds,at,left,kind"


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("cup,nobody,real,first,w1", "crowd.csv:3: no run 'nobody' in this sweep"),
        ("cup,{run},real,best,w1", "crowd.csv:3: choice: 'best'"),
        ("cup,{run},real,left,w1", "needs a column `left`"),
        ("cup,{run},real,,w1", "crowd.csv:3: nothing stands under 'choice'"),
        ("cup,{run},real,first,w1,soon", "crowd.csv:3: seconds: 'soon'"),
        ("cup,{run},real,first,w1,-1", "crowd.csv:3: seconds: '-1'"),
        ("cup,{run},real,first,w1,1,yesterday", "crowd.csv:3: at: 'yesterday'"),
        ("cup,{run},real,first,w1,1,,up", "crowd.csv:3: left: 'up'"),
        ("cup,{run},real,first,w1,1,,,check", "no pair of kind 'check'"),
        ("cup,{run},{run},first,w1", "is no pair"),
        ("cup,{run},real,first,w1,1,,,,9", "crowd.csv:3: more cells than columns"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(
    place, tmp_path, monkeypatch, capfd, row, told
):
    directory, (run, *_) = place
    file = tmp_path / "crowd.csv"
    file.write_text(f"{HEADER}\n{GOOD}\n{row}\n".format(run=run))
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file)
    assert status == 2 and told in said
    assert not VoteFile(directory / "votes.jsonl").ballot.votes


def test_a_column_that_is_missing_is_asked_for(place, tmp_path, monkeypatch, capfd):
    directory, _ = place
    file = tmp_path / "crowd.csv"
    file.write_text("prompt,first,second,who\ncup,a,real,w1\n")
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file)
    assert status == 2 and "name it with --columns 'choice=...'" in said
    more = ["--columns", "chioce=who"]
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file, *more)
    assert status == 2 and "did you mean 'choice'" in said


def test_another_answer_to_the_same_pair_is_told_and_not_taken(place, tmp_path, monkeypatch, capfd):
    directory, (run, *_) = place
    file = tmp_path / "crowd.csv"
    file.write_text(f"{HEADER}\n{GOOD}\ncup,{run},real,second,w1\n".format(run=run))
    status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file)
    assert status == 0 and "1 votes added, 1 were there already" in said
    assert "crowd.csv:3: w1 has answered this pair before, 'first' and not 'second'" in said


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12).filter(
    lambda text: text == text.strip()
)
votes = st.builds(
    Vote,
    vote=st.uuids().map(str),
    pair=st.uuids().map(lambda x: x.hex[:16]),
    kind=st.just("generated_real"),
    prompt=texts,
    prompt_id=texts,
    first=st.just("RUN"),
    second=st.just("real"),
    left=st.sampled_from(["first", "second", ""]),
    choice=st.sampled_from(["first", "second", "tie", "skip"]),
    rater=texts,
    rater_kind=st.sampled_from(["human", "judge"]),
    at=st.sampled_from(["", "2026-01-02T03:04:05.678Z"]),
    seconds=st.none() | st.floats(0, 1e5),
    protocol=st.sampled_from(["", "0123abcd"]),
)


@settings(
    deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    given_votes=st.lists(votes, max_size=5, unique_by=lambda v: v.vote),
    form=st.sampled_from(["csv", "jsonl"]),
)
def test_what_goes_out_comes_in_the_same(store, tmp_path, given_votes, form, capfd):
    """And without the votes that were undone."""
    with pytest.MonkeyPatch.context() as patch:
        path, file = store.directory / "votes.jsonl", tmp_path / f"votes.{form}"
        path.unlink(missing_ok=True)
        run = store.runs[0].id
        kept = VoteFile(path)
        for vote in given_votes:
            kept.add(Vote(**{**vars(vote), "first": run}))
        if given_votes:
            kept.undo(given_votes[0].vote, given_votes[0].rater)
        status, said = scaling(patch, capfd, "votes", "export", store.directory, file)
        assert status == 0 and f"{max(0, len(given_votes) - 1)} votes" in said
        before = tables.read(path).reset_index(drop=True)
        assert before["vote"].tolist() == [v.vote for v in given_votes[1:]]
        status, _ = scaling(patch, capfd, "votes", "import", store.directory, file)
        pd.testing.assert_frame_equal(tables.read(path).reset_index(drop=True), before)
        path.unlink()
        status, _ = scaling(patch, capfd, "votes", "import", store.directory, file)
        if given_votes[1:]:
            assert status == 0
            pd.testing.assert_frame_equal(tables.read(path).reset_index(drop=True), before)


def test_an_exported_table_has_the_columns_that_are_documented(place, tmp_path, monkeypatch, capfd):
    directory, _ = place
    status, said = scaling(monkeypatch, capfd, "votes", "export", directory, tmp_path / "v.csv")
    assert status == 2 and "nobody has voted yet" in said
    VoteFile(directory / "votes.jsonl")
    scaling(monkeypatch, capfd, "votes", "export", directory, tmp_path / "votes.csv")
    (header,) = csv.reader(io.StringIO((tmp_path / "votes.csv").read_text()))
    assert tuple(header) == COLUMNS == tuple(Vote.__dataclass_fields__)
    status, said = scaling(monkeypatch, capfd, "votes", "export", directory, tmp_path / "v.xlsx")
    assert status == 2 and "as .csv or .jsonl" in said


def test_one_server_or_import_at_a_time(place, tmp_path, monkeypatch, capfd):
    from scaling.preference.directory import alone

    directory, (run, *_) = place
    file = tmp_path / "crowd.csv"
    file.write_text(f"{HEADER}\n{GOOD}\n".format(run=run))
    with alone(directory):
        status, said = scaling(monkeypatch, capfd, "votes", "import", directory, file)
        assert status == 2 and "end that first" in said
        status, said = scaling(monkeypatch, capfd, "annotate", directory, "--port", "0")
        assert status == 2 and "end that first" in said


def test_annotate_says_what_is_missing(place, monkeypatch, capfd, tmp_path):
    directory, _ = place
    status, said = scaling(monkeypatch, capfd, "annotate", tmp_path)
    assert status == 2 and "not a sweep's directory" in said
    status, said = scaling(monkeypatch, capfd, "annotate", directory, "--rater", "a\nb")
    assert status == 2 and "printable" in said


def test_other_commands_do_not_start_a_servers_libraries():
    code = (
        "import sys\nfrom scaling.cli import main\nsys.argv = ['scaling', '--help']\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'starlette', 'uvicorn', 'jax', 'PIL'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
