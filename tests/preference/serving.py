"""The page's server as tests meet it: in a thread, or as the command that may be killed."""

import http.client
import json
import os
import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scaling.preference.directory import write_pairs
from scaling.preference.pairs import Shares, plan
from scaling.preference.pictures import Pictures
from scaling.preference.serve import listen, server
from scaling.preference.sessions import Order, Sessions, as_planned
from scaling.preference.votes import VoteFile


@dataclass(frozen=True)
class Answer:
    """Of the server: status, headers in lower case, content."""

    status: int
    headers: dict[str, str]
    content: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.content)


@dataclass(frozen=True)
class Served:
    """A server in a thread of this process."""

    sessions: Sessions
    path: Path
    port: int

    def ask(
        self, path: str, method: str = "GET", body: Any = None, headers: dict | None = None
    ) -> Answer:
        """One request, with the headers of the page itself unless others are given."""
        given = {"Host": f"127.0.0.1:{self.port}"}
        if method == "POST":
            given |= {
                "Origin": f"http://127.0.0.1:{self.port}",
                "Content-Type": "application/json",
            }
        given |= headers or {}
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        try:
            connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
            for name, value in given.items():
                if value is not None:
                    connection.putheader(name, value)
            if content is not None:
                connection.putheader("Content-Length", str(len(content)))
            connection.endheaders(content)
            found = connection.getresponse()
            headers = {name.lower(): value for name, value in found.getheaders()}
            return Answer(found.status, headers, found.read())
        finally:
            connection.close()

    def base(self, rater: str = "anna") -> str:
        return f"/{self.sessions.tokens(rater).rater}"


@contextmanager
def served(
    pictures: Pictures,
    directory: Path,
    raters: tuple[str, ...] = ("anna", "bob"),
    host: str = "127.0.0.1",
    names: tuple[str, ...] = (),
    order: Order = as_planned,
) -> Iterator[Served]:
    pairs = plan(pictures, Shares(), 0)
    sessions = Sessions(
        pairs=pairs,
        protocols=write_pairs(directory, pairs, pictures),
        file=VoteFile(directory / "votes.jsonl"),
        raters=raters,
        key=b"key",
        order=order,
    )
    with listen(host, 0) as listening:
        running = server(sessions, pictures, host, names)
        thread = threading.Thread(target=running.run, args=([listening],), daemon=True)
        thread.start()
        try:
            yield Served(sessions, directory / "votes.jsonl", listening.getsockname()[1])
        finally:
            running.should_exit = True
            thread.join(10)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return taken.getsockname()[1]


@contextmanager
def annotating(
    directory: Path, port: int, *raters: str, words: tuple[str, ...] = ()
) -> Iterator[tuple[subprocess.Popen[str], dict[str, str]]]:
    """`scaling annotate` in a process of its own, with more `words`; each rater's address."""
    named = [word for rater in raters for word in ("--rater", rater)]
    process = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "scaling",
            "annotate",
            str(directory),
            f"--port={port}",
            *words,
            *named,
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=os.environ,
    )
    said, found = [], {}
    try:
        while len(found) < len(raters):
            line = process.stdout.readline()
            assert line, "".join(said)
            said.append(line)
            if told := re.match(r"(\w+): (http://\S+) ", line):
                found[told[1]] = told[2]
        process.stdout.readline()
        yield process, found
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
