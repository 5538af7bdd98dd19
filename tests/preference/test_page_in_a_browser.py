"""The page as raters have it, in a Chromium: by keys, by touch, and while the server is killed."""

import re
import shutil
import signal
import time
from collections import Counter
from contextlib import contextmanager

import pytest

import analysis.preference.votes as tables
from scaling.preference.sessions import as_planned
from tests.preference.serving import annotating, free_port, served
from tests.preference.sweep import sweep
from tests.preference.test_pairs import made
from tests.preference.test_server import GROWING

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")

SEEN = '() => document.querySelector("#vote").getAttribute("aria-busy") === "false"'
KEYS = ("ArrowLeft", "ArrowRight", "t", "ArrowDown", "ArrowLeft", "ArrowRight", "s")
CONTRAST = """() => {
  const light = (text) => {
    const [r, g, b] = text.match(/[\\d.]+/g).slice(0, 3).map((x) => x / 255)
      .map((x) => x <= 0.03928 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const ground = (e) => {
    for (; e; e = e.parentElement) {
      const colour = getComputedStyle(e).backgroundColor;
      if (!/, 0\\)$/.test(colour) && colour !== "transparent") return colour;
    }
    return "rgb(255, 255, 255)";
  };
  return [...document.querySelectorAll("h1, q, dt, dd, kbd, button, dialog p, dialog h2, #away")]
    .filter((e) => e.textContent.trim() && e.getAttribute("aria-disabled") !== "true")
    .map((e) => [light(getComputedStyle(e).color), light(ground(e))].sort((a, b) => b - a))
    .map(([a, b]) => (a + 0.05) / (b + 0.05));
}"""


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield running
        running.close()


@contextmanager
def page_at(browser, address: str, **settings):
    """A page of a rater's own browser; it may not complain."""
    context = browser.new_context(**settings)
    page = context.new_page()
    complaints = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: complaints.append(said.text) if "ERR_CONNECTION" not in said.text else None,
    )
    page.goto(address)
    page.wait_for_function(SEEN)
    yield page
    context.close()
    assert not complaints


def done(page) -> int:
    return int(page.inner_text("#done"))


def press(page, key: str) -> None:
    """Answer by a key, and wait until the next pair is seen."""
    before = done(page)
    page.keyboard.press(key)
    page.wait_for_function(f'() => document.querySelector("#done").textContent != "{before}"')
    page.wait_for_timeout(20)


@pytest.mark.slow
def test_two_raters_vote_while_the_server_is_killed_and_started_again(browser, tmp_path):
    """40 pairs each, by keys: none lost, none twice, sides balanced."""
    directory, port = tmp_path / "s", free_port()
    runs = [run.id for run in sweep(directory, prompts=12).runs]
    telling = re.compile(rf"\b(real|degraded|generated|{'|'.join(runs)})\b")
    addressed = []
    with (
        annotating(directory, port, "anna", "bob") as (killed, addresses),
        page_at(browser, addresses["anna"]) as anna,
        page_at(browser, addresses["bob"]) as bob,
    ):
        anna.on("request", lambda request: addressed.append(request.url))
        assert done(anna) == done(bob) == 0 and anna.inner_text("#left") == "40"
        for i in range(18):
            press(anna, KEYS[i % 7])
            press(bob, KEYS[(i + 3) % 7])
            assert not telling.search(anna.content())
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        anna.keyboard.press("ArrowLeft")
        bob.keyboard.press("ArrowRight")
        for page in (anna, bob):
            page.wait_for_selector("#away:not([hidden])")
            assert "Your answer is kept" in page.inner_text("#away")
            assert done(page) == 18
        with annotating(directory, port, "anna", "bob") as (process, again):
            assert again == addresses
            for page in (anna, bob):
                page.wait_for_function('() => document.querySelector("#done").textContent == "19"')
                page.wait_for_selector("#away", state="hidden")
            anna.reload()
            anna.wait_for_function(SEEN)
            assert done(anna) == 19
            for i in range(21):
                press(anna, KEYS[i % 7])
                press(bob, KEYS[(i + 3) % 7])
            for page in (anna, bob):
                page.wait_for_selector("#thanks h1")
                assert (done(page), page.inner_text("#left")) == (40, "0")
            process.send_signal(signal.SIGINT)
            assert process.wait(15) == 0
            assert process.stdout.read().splitlines()[-2:] == [
                "anna: 40 of 40 done",
                "bob: 40 of 40 done",
            ]
    assert len(addressed) > 100 and not any(map(telling.search, addressed))
    votes = tables.read(directory / "votes.jsonl")
    assert len(votes) == 80 and not votes.duplicated(["rater", "pair"]).any()
    assert (votes["seconds"] > 0).all() and (votes["at"] != "").all()
    for _, own in votes.groupby("rater"):
        assert Counter(own["left"]) == {"first": 20, "second": 20}


def test_a_vote_that_was_not_answered_survives_a_reload(browser, tmp_path):
    with served(made(6, 2), tmp_path) as server:
        base = f"http://127.0.0.1:{server.port}{server.base()}/"
        with page_at(browser, base) as page:
            page.route("**/vote", lambda route: route.abort("connectionrefused"))
            page.keyboard.press("ArrowLeft")
            page.wait_for_selector("#away:not([hidden])")
            page.unroute("**/vote")
            page.reload()
            page.wait_for_function('() => document.querySelector("#done").textContent == "1"')
    assert len(tables.read(server.path)) == 1


def test_undo_help_and_held_keys(browser, tmp_path):
    with served(made(6, 2), tmp_path) as server:
        address = f"http://127.0.0.1:{server.port}{server.base()}/"
        with page_at(browser, address) as page:
            words = page.inner_text("#prompt")
            page.keyboard.press("u")  # nothing to undo
            press(page, "ArrowLeft")
            page.keyboard.down("ArrowLeft")
            page.wait_for_function('() => document.querySelector("#done").textContent == "2"')
            page.keyboard.down("ArrowLeft")  # which repeats while it is held
            page.wait_for_timeout(150)
            assert done(page) == 2
            page.keyboard.up("ArrowLeft")
            press(page, "u")
            press(page, "u")
            assert (done(page), page.inner_text("#prompt")) == (0, words)
            page.keyboard.press("?")
            assert page.is_visible("#help")
            page.keyboard.press("ArrowLeft")
            page.wait_for_timeout(100)
            assert done(page) == 0
            page.keyboard.press("Escape")
            assert not page.is_visible("#help")
            for name in ("left", "tie", "right"):  # by Tab and Enter, too
                page.focus(f".answers [data-answer={name}]")
                press(page, "Enter")
            assert done(page) == 3
    assert tables.read(server.path)["choice"].tolist().count("tie") == 1


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("width", "height"), [(360, 640), (667, 375), (1280, 640)])
def test_it_fits_the_screen_at_whole_zoom_and_can_be_read(browser, tmp_path, scheme, width, height):
    screen = {"viewport": {"width": width, "height": height}, "color_scheme": scheme}
    with served(made(6, 2), tmp_path) as server:
        address = f"http://127.0.0.1:{server.port}{server.base()}/"
        with page_at(browser, address, **screen, has_touch=width < 700) as page:
            size = page.eval_on_selector_all(
                ".picture img",
                "all => all.map(i => { const b = i.getBoundingClientRect();"
                " return [b.width, b.height, getComputedStyle(i).imageRendering] })",
            )
            assert size[0] == size[1]
            across, down, how = size[0]
            assert across == down and across % 8 == 0 and across >= 104 and how == "pixelated"
            root = page.locator("html")
            assert root.evaluate("root => root.scrollWidth") <= width
            assert root.evaluate("root => root.scrollHeight") <= height
            assert min(page.evaluate(CONTRAST)) >= 4.5
            unnamed = page.eval_on_selector_all(
                "button, progress, img",
                "all => all.filter(e => !(e.getAttribute('aria-label') || e.alt || e.innerText))",
            )
            assert not unnamed
            if width < 700:
                assert all(
                    page.locator(name).bounding_box()["height"] >= 40
                    for name in (".answers button:first-child", "#undo", "#skip", "#ask")
                )
                page.locator(".picture >> nth=1").tap()
            else:
                page.click(".picture >> nth=1")
            page.wait_for_function('() => document.querySelector("#done").textContent == "1"')
    (vote,) = tables.read(server.path).itertuples()
    assert vote.choice != vote.left


@pytest.mark.slow
@pytest.mark.parametrize("order", [as_planned, GROWING], ids=["planned", "adaptive"])
def test_the_first_pair_of_ten_thousand_is_seen_within_a_second(browser, tmp_path, order):
    with served(made(450, 20), tmp_path, ("anna",), order=order) as server:
        assert len(server.sessions.pairs) == 10_000
        address = f"http://127.0.0.1:{server.port}{server.base()}/"
        assert seen_after(browser, address) < 1


def seen_after(browser, address: str) -> float:
    """Seconds until a new visitor sees the first pair."""
    context = browser.new_context()
    try:
        page = context.new_page()
        begun = time.perf_counter()
        page.goto(address)
        page.wait_for_function(SEEN)
        return time.perf_counter() - begun
    finally:
        context.close()
