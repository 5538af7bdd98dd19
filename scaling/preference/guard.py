"""Who may speak to the page's server: this page alone, by a name that nobody else can take."""

import ipaddress
import re
import socket
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Of every answer: nothing from elsewhere runs in the page, and it leaves nothing behind."""

HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\s:/@\[\]]+))(?::\d{1,5})?")
ORIGIN = re.compile(r"https?://(.+)")


def guarded(app: ASGIApp, names: Iterable[str], *, addresses: bool) -> ASGIApp:
    """`app`, for requests that are addressed to one of these names and come from its own pages.

    A page of elsewhere that makes its name point here (DNS rebinding) sends that name as Host. So
    with `addresses` every number is welcome too, which no name can pretend to be.
    """
    known = {name.lower() for name in names}

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await app(scope, receive, send)
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        problem = _problem(scope["method"], Headers(scope=scope), known, addresses)
        speak = PlainTextResponse(problem, 403) if problem else app
        await speak(scope, receive, send_guarded)

    return answer


def _problem(method: str, headers: Headers, known: set[str], addresses: bool) -> str:
    """Why a request is refused, or nothing."""
    hosts, origins = headers.getlist("host"), headers.getlist("origin")
    if len(hosts) != 1 or not _welcome(hosts[0], known, addresses):
        return "this server does not go by that name"
    if method not in ("GET", "HEAD") and len(origins) != 1:
        return "only this server's own page may send"
    if any(not (o := ORIGIN.fullmatch(origin)) or o[1] != hosts[0] for origin in origins):
        return "pages of elsewhere may not speak to this server"
    if headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        if method in ("GET", "HEAD") and headers.get("sec-fetch-mode") == "navigate":
            return ""  # somebody follows a link to the page, as from a message in a mail client
        return "pages of elsewhere may not speak to this server"
    return ""


def _welcome(host: str, known: set[str], addresses: bool) -> bool:
    found = HOST.fullmatch(host)
    if not found:
        return False
    name = (found[1] or found[2]).lower().removesuffix(".")
    return name in known or (addresses and _is_number(name))


def _is_number(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    return host == "localhost" or (_is_number(host) and ipaddress.ip_address(host).is_loopback)


def names_of(host: str) -> set[str]:
    """What a server bound to `host` may be called."""
    own = socket.gethostname()
    here = {"localhost", "127.0.0.1", "::1"}
    return here | {host} if is_loopback(host) else here | {host, own, f"{own}.local"}
