"""A real browser, where there is one: a page after its scripts, and after a script of the test's.

Optional: without a Chromium the tests that ask for it are skipped.
"""

import json
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
CHOOSE = """
const $ = (selector) => document.querySelector(selector);
const $$ = (selector) => [...document.querySelectorAll(selector)];
const choose = (name, value) => {
  $(`[data-choice=${name}]`).value = value;
  $(`[data-choice=${name}]`).dispatchEvent(new Event("change"));
};
const press = (key) => $(".stage > svg").dispatchEvent(new KeyboardEvent("keydown", { key }));
"""


def look(page: str, script: str, directory: Path, width: int = 1200) -> Any:
    """What `script`, the body of a function, returns in a browser that shows `page`.

    Fails where the page or the script complains on the console.
    """
    browser = next(filter(None, map(shutil.which, NAMES)), None)
    if browser is None:
        pytest.skip(f"no browser: none of {', '.join(NAMES)} is installed")
    asking = f"""<script type="module">{CHOOSE}
    setTimeout(() => {{  // once frames are loaded and everything is laid out
      const found = h("pre", {{ id: "found" }});
      found.textContent = JSON.stringify((() => {{ {script} }})());
      document.body.append(found);
    }}, 1000);
    const h = (tag, attributes) => Object.assign(document.createElement(tag), attributes);
    </script></body>"""
    path = directory / "page.html"
    path.write_text(page.replace("</body>", asking))
    done = subprocess.run(
        [
            *(browser, "--headless=new", "--no-sandbox", "--disable-gpu"),
            *("--dump-dom", "--enable-logging=stderr", "--virtual-time-budget=5000"),
            *(f"--user-data-dir={directory / 'profile'}", f"--window-size={width},900"),
            path.as_uri(),
        ],
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    complaints = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    assert not complaints, "\n".join(complaints)
    found = re.search(r'<pre id="found">(.*?)</pre>', done.stdout, re.DOTALL)
    assert found, done.stderr[-2000:]
    return json.loads(unescape(found[1]))
