"""Serving the page until somebody ends it."""

import errno
import socket
from collections.abc import Iterable

import uvicorn

from scaling.errors import InputError
from scaling.preference.guard import guarded, is_loopback, names_of
from scaling.preference.pictures import Pictures
from scaling.preference.server import application
from scaling.preference.sessions import Sessions

REFUSED = {
    errno.EADDRINUSE: "another program listens there; choose another with --port",
    errno.EACCES: "not permitted; ports below 1024 are for the system",
    errno.EADDRNOTAVAIL: "no address of this machine",
}


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one. InputError where the system refuses."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family)
    except OSError as error:
        told = REFUSED.get(error.errno or 0, str(error))
        raise InputError(f"cannot listen at {host}, port {port}: {told}") from None


def address(host: str, listening: socket.socket) -> str:
    """What to open; a host that stands for all of the machine's is given by the machine's name."""
    shown = socket.gethostname() if host in ("0.0.0.0", "::") else host
    shown = f"[{shown}]" if ":" in shown else shown
    return f"http://{shown}:{listening.getsockname()[1]}"


def server(
    sessions: Sessions, pictures: Pictures, host: str, names: Iterable[str] = ()
) -> uvicorn.Server:
    """The server, ready to run, for requests addressed to `host` or one of the other names."""
    known = names_of(host) | set(names)
    app = guarded(application(sessions, pictures), known, addresses=not is_loopback(host))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,  # it would name raters' tokens
        ws="none",
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=2,
    )
    return uvicorn.Server(config)


def serve(
    sessions: Sessions,
    pictures: Pictures,
    listening: socket.socket,
    *,
    host: str,
    names: Iterable[str] = (),
) -> None:
    """Answer until SIGINT or SIGTERM, finishing what is being answered."""
    try:
        server(sessions, pictures, host, names).run(sockets=[listening])
    except KeyboardInterrupt:  # which the server passes on once it has ended
        return
