"""`scaling annotate --settings`: one run under each inference setting, shown to people."""

import http.client
import io
import json
import signal
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from typer.testing import CliRunner

import analysis
from analysis.preference.votes import read
from scaling.cli.app import app
from scaling.errors import InputError
from scaling.preference import settings
from tests.preference.serving import annotating, free_port
from tests.preference.settings import EVALUATIONS, FORWARD, NAMES, by_setting, tried
from tests.preference.sweep import captions, pictures

PROMPTS = 12
BEST = NAMES[-1]


def say(*words, status=0):
    """What a command prints; errors for people as `scaling` itself tells them."""
    result = CliRunner().invoke(app, [*map(str, words)])
    refused = isinstance(result.exception, InputError)
    assert (2 if refused else result.exit_code) == status, result.output
    return str(result.exception) if refused else result.output


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return tried(tmp_path_factory.mktemp("tried") / "s", PROMPTS)


def ask(address, path, body=None):
    """A request to the page's server, as the page makes it."""
    where = urlsplit(address)
    connection = http.client.HTTPConnection(where.netloc, timeout=10)
    headers = {"Origin": f"http://{where.netloc}", "Content-Type": "application/json"}
    try:
        method = "GET" if body is None else "POST"
        connection.request(method, where.path + path, body and json.dumps(body), headers)
        found = connection.getresponse()
        assert found.status == 200, found.reason
        return found.read()
    finally:
        connection.close()


def noise_of(png):
    """How far a picture is from the real one that it is like."""
    apart = pictures(PROMPTS).astype(int) - np.asarray(Image.open(io.BytesIO(png)))
    return np.abs(apart).mean((1, 2, 3)).min()


def vote(address, rng):
    """Somebody who likes a little noise and dislikes much, and goes by the pictures alone."""
    told = []
    while (state := json.loads(ask(address, "state")))["pairs"]:
        told.append(json.dumps(state))
        pair, *_ = state["pairs"]
        left, right = (noise_of(ask(address, f"picture/{pair[x]}.png")) for x in ("left", "right"))
        likes_noise = rng.random() < 1 / (1 + np.exp((max(left, right) - 4) / 1.2))
        answer = "left" if (left > right) == likes_noise else "right"
        ask(address, "vote", {"pair": pair["pair"], "answer": answer, "seconds": 1})
    return told


@pytest.fixture(scope="module")
def voted(store):
    """The sweep after two people voted on its first run; and all that their pages were told."""
    run, raters = store.runs[0].id, ("anna", "bob")
    assert "nobody has voted yet" in say("preference", store.directory, status=2)
    words = ("--settings", run)
    with annotating(store.directory, free_port(), *raters, words=words) as (page, found):
        told = [vote(found[rater], np.random.default_rng(k)) for k, rater in enumerate(raters)]
        page.send_signal(signal.SIGINT)
        assert page.wait(15) == 0
    return store, [line for of_rater in told for line in of_rater]


@pytest.fixture
def votes_file(voted):
    """The file of these votes, which is put back afterwards."""
    path = voted[0].directory / "votes.jsonl"
    content = path.read_bytes()
    yield path
    path.write_bytes(content)


def test_the_setting_that_voters_like_best_is_found_with_its_costs(voted):
    store, told = voted
    directory, run = store.directory, store.runs[0].id
    assert not any(word in line for line in told for word in ("@", "steps", "guidance", run))
    votes = read(directory / "votes.jsonl")
    assert set(votes[votes["kind"] == "generated_real"]["first"]) == {f"{run}@{n}" for n in NAMES}
    on_settings = votes[votes["kind"] == "generated_real"]
    for _, group in on_settings.groupby(["rater", "first"]):
        assert abs((group["left"] == "first").mean() - 0.5) < 0.1
    answer = json.loads(say("preference", directory, "--json"))
    assert answer["rates"] == {}
    (of_run,) = answer["settings"]
    assert (of_run["run"], of_run["best"], of_run["cheapest"]) == (run, BEST, BEST)
    assert of_run["told_apart"]
    share = on_settings[on_settings["first"] == f"{run}@{BEST}"]["choice"].eq("first").mean()
    assert of_run["settings"][0]["rate"]["value"] == pytest.approx(share)
    for item in of_run["settings"]:
        count = EVALUATIONS[item["setting"]]
        assert item["cost"] == {"evaluations": count, "flops": count * FORWARD}
    said = say("preference", directory)
    assert "Inference settings by people" in said and "Preference by people" not in said
    assert "several protocols" not in said
    assert f"{run}: people prefer {BEST}" in said and "it is told apart from the next" in said


def test_tables_and_report_say_it_too(voted):
    store, _ = voted
    say("table", store.directory)
    rows = (store.directory / "tables" / "preferred_settings.csv").read_text().splitlines()
    assert rows[1].startswith(f"{store.runs[0].id},20k,{BEST},16,1.6e+04,")
    assert rows[1].endswith(",best") and len(rows) == 1 + len(NAMES)
    assert not (store.directory / "tables" / "preference.csv").exists()
    say("report", store.directory)
    page = (store.directory / "report.html").read_text()
    assert "Which inference setting people prefer" in page and "What people prefer" not in page


def test_votes_on_settings_go_out_and_come_in_the_same(voted, votes_file, tmp_path):
    directory, before = voted[0].directory, read(votes_file).reset_index(drop=True)
    for name in ("votes.csv", "votes.jsonl"):
        say("votes", "export", directory, tmp_path / name)
        votes_file.unlink()
        said = say("votes", "import", directory, tmp_path / name)
        assert f"{len(before)} votes added" in said
        assert read(votes_file).reset_index(drop=True).to_csv() == before.to_csv()


def test_a_crowds_votes_on_settings_come_in_and_strange_ones_do_not(voted, votes_file, tmp_path):
    """Also without ids: the caption is one of the pairs that were shown."""
    directory, run, file = voted[0].directory, voted[0].runs[0].id, tmp_path / "crowd.csv"
    header, words = "prompt,first,second,choice,rater", f'"{captions(PROMPTS)[0]}"'
    file.write_text(f"{header}\n{words},real,{run}@{BEST},b,w1\n")
    assert "1 votes added" in say("votes", "import", directory, file)
    last = read(votes_file).iloc[-1]
    assert (last["first"], last["choice"]) == (f"{run}@{BEST}", "first")
    shown = read(votes_file).query("first == @last['first'] and prompt_id == @last.prompt_id")
    assert set(shown["rater"]) == {"anna", "bob", "w1"} and shown["pair"].nunique() == 1
    file.write_text(f"{header}\ncup,real,{run}@steps=9,b,w1\n")
    said = say("votes", "import", directory, file, status=2)
    assert "crowd.csv:2: no run in this sweep kept pictures that are called" in said


def test_what_people_think_of_the_run_itself_is_apart(voted, votes_file, tmp_path):
    """Its measured rate is of the votes on its own pictures, whatever was said of settings."""
    directory, run, file = voted[0].directory, voted[0].runs[0].id, tmp_path / "crowd.csv"
    rows = [f"cup {i},{run},real,{'ab'[i % 3 > 0]},w1" for i in range(12)]
    file.write_text("\n".join(["prompt,first,second,choice,rater", *rows]) + "\n")
    say("votes", "import", directory, file)
    both = analysis.read(directory).frame
    chosen = json.loads(say("preference", directory, "--json"))
    votes_file.unlink()
    say("votes", "import", directory, file)
    pd.testing.assert_frame_equal(both, analysis.read(directory).frame)
    (people,) = both.query("metric == 'win_rate_people'").to_dict("records")
    assert (people["run"], people["value"], people["count"]) == (run, pytest.approx(1 / 3), 12)
    alone = json.loads(say("preference", directory, "--json"))
    assert chosen["rates"] == alone["rates"] and chosen["strengths"] == alone["strengths"]
    assert alone["settings"] == [] and chosen["settings"][0]["best"] == BEST


def test_a_plan_names_settings_and_pairs_of_two_where_asked(store):
    run = store.runs[0].id
    said = say("annotate", store.directory, "--settings", run, "--plan", "--models", "0.5")
    assert "36 generated against real" in said and "of two settings" in said
    assert "each setting has 12 votes" in said
    assert "36 generated" in say("annotate", store.directory, "--settings", run, "--plan")


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("80k", "'80k' is no finished run or rung; there are: "),
        ("20k", "'20k' is the rung of several runs, "),
        ("40k", "set measure.distances.inference.keep in its manifest"),
    ],
)
def test_what_cannot_be_shown_is_told_with_what_would_be_right(store, asked, told):
    assert told in say("annotate", store.directory, "--settings", asked, "--plan", status=2)


def test_sizes_and_settings_are_not_asked_about_together(store):
    words = ("annotate", store.directory, "--settings", store.runs[0].id, "--adaptive")
    assert "leave one out" in say(*words, status=2)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"settings": np.array(NAMES[:2])}, "images, settings and protocols must be equally many"),
        ({"real": np.zeros((4, 8, 8, 3), np.uint8)}, "real must be uint8"),
        ({"protocols": np.array(["{"] * 3)}, "not an archive of pictures"),
        ({"ids": np.zeros(4, int)}, "an id stands for two captions"),
    ],
)
def test_archives_that_make_no_sense_are_refused(tmp_path, changes, told):
    path = by_setting(tmp_path / "settings-1.npz", 4, **changes)
    with pytest.raises(InputError, match=told):
        settings.load("0123456789ab", path)
