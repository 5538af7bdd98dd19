"""The server of the page: a few fixed addresses, answers from `Sessions`, nothing from files."""

from collections.abc import Callable
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from scaling.preference.pairs import QUESTION
from scaling.preference.pictures import Pictures, png
from scaling.preference.sessions import Sessions
from scaling.preference.tokens import Unknown

MOST_BYTES = 4096
"""Of a post's body; an honest one has 120."""

A_DAY = 86_400.0
Token = Annotated[str, Field(pattern="^[0-9a-f]{32}$")]


class Post(BaseModel):
    """What a page may send: nothing that is not named here, and no type but these."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class VotePost(Post):
    """An answer to a pair; `seconds` from its appearance."""

    pair: Token
    answer: Literal["left", "right", "tie", "skip"]
    seconds: Annotated[float, Field(ge=0, le=A_DAY, allow_inf_nan=False)] | None


class UndoPost(Post):
    """The vote to take back."""

    vote: Annotated[str, Field(pattern="^[0-9a-f-]{1,64}$")]


PAGE = {
    "": ("index.html", "text/html"),
    "style.css": ("style.css", "text/css"),
    "page.js": ("page.js", "text/javascript"),
}


def application(sessions: Sessions, pictures: Pictures) -> Starlette:
    """All addresses; each begins with the token of a rater."""
    folder = files("scaling.preference") / "page"
    side = pictures.real.shape[1:3]

    def rater(request: Request) -> str:
        return sessions.rater(request.path_params["rater"])

    def state(request: Request) -> Response:
        return told(rater(request))

    def told(name: str) -> Response:
        shape = {"question": QUESTION, "height": side[0], "width": side[1]}
        return JSONResponse({**shape, **sessions.state(name)})

    async def vote(request: Request) -> Response:
        name, sent = rater(request), await posted(VotePost, request)
        await run_in_threadpool(sessions.vote, name, sent.pair, sent.answer, sent.seconds)
        return await run_in_threadpool(told, name)

    async def undo(request: Request) -> Response:
        name, sent = rater(request), await posted(UndoPost, request)
        await run_in_threadpool(sessions.undo, name, sent.vote)
        return await run_in_threadpool(told, name)

    def picture(request: Request) -> Response:
        pair, role = sessions.tokens(rater(request)).picture(request.path_params["picture"])
        second = role == "second"
        prompt_id = pair.other_id if second and pair.other_id else pair.prompt_id
        found = pictures.find(pair.second if second else pair.first, prompt_id, pair.pair)
        return Response(png(found), media_type="image/png")

    def part(content: bytes, kind: str) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            rater(request)
            return Response(content, media_type=kind)

        return answer

    parts = [
        Route(f"/{{rater}}/{path}", part((folder / name).read_bytes(), kind))
        for path, (name, kind) in PAGE.items()
    ]
    app = Starlette(
        routes=[
            *parts,
            Route("/favicon.ico", lambda _: Response(status_code=204)),
            Route("/{rater}/state", state),
            Route("/{rater}/vote", vote, methods=["POST"]),
            Route("/{rater}/undo", undo, methods=["POST"]),
            Route("/{rater}/picture/{picture}.png", picture),
        ],
        exception_handlers={Unknown: unknown, OSError: not_written},
        max_body_size=MOST_BYTES,
    )
    app.router.redirect_slashes = False
    return app


async def posted[P: Post](kind: type[P], request: Request) -> P:
    """The content of a post; HTTPException for what is none."""
    if request.headers.get("content-type", "").partition(";")[0].strip() != "application/json":
        raise HTTPException(415, "send application/json")
    try:
        return kind.model_validate_json(await request.body())
    except ValidationError:
        raise HTTPException(422, "not what this address takes") from None


def unknown(request: Request, error: Exception) -> Response:
    """A token of another rater, of another server, or of nobody."""
    return PlainTextResponse("no such address; ask for the one that was printed anew", 404)


def not_written(request: Request, error: Exception) -> Response:
    """The disk does not take the vote: the page keeps it and tries again."""
    print(f"error: a vote could not be written: {error}", flush=True)
    return PlainTextResponse("the vote could not be written", 503)
