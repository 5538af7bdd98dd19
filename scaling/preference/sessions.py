"""What each rater has seen and sees next. Nothing here knows of a network."""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from statistics import median
from typing import Any, Literal
from uuid import uuid4

from scaling.preference.pair import Pair
from scaling.preference.tokens import Tokens, Unknown, find
from scaling.preference.vote import Choice, Vote, now
from scaling.preference.votes import VoteFile

type Order = Callable[[Sequence[Pair], Sequence[Vote]], Sequence[Pair]]
"""From the pairs that a rater has not seen, and all votes so far, to those pairs, best first."""

type Answer = Literal["left", "right", "tie", "skip"]

AHEAD = 2
"""Pairs that a rater's page is told of: the one to show, and one to load meanwhile."""


def as_planned(pairs: Sequence[Pair], votes: Sequence[Vote]) -> Sequence[Pair]:
    """The order of the plan."""
    return pairs


class Sessions:
    """Raters at work on the same pairs, each pair once a rater; safe for several threads."""

    def __init__(
        self,
        *,
        pairs: Sequence[Pair],
        protocols: Mapping[str, str],
        file: VoteFile,
        raters: Sequence[str],
        key: bytes,
        order: Order = as_planned,
    ) -> None:
        self.pairs, self.protocols, self.file = list(pairs), protocols, file
        self._order, self._lock = order, threading.RLock()
        self._by_id = {pair.pair: pair for pair in pairs}
        self._tokens = {rater: Tokens(key, rater, pairs) for rater in raters}
        self._raters = {tokens.rater: rater for rater, tokens in self._tokens.items()}
        self._done: dict[str, dict[str, Vote]] = defaultdict(dict)
        for vote in file.ballot.votes.values():
            self._done[vote.rater][vote.pair] = vote
        self._taken_back: dict[str, list[str]] = {rater: [] for rater in raters}

    def rater(self, token: str) -> str:
        """Whose token it is; raises Unknown."""
        return find(self._raters, token)

    def tokens(self, rater: str) -> Tokens:
        """The names under which a rater's page knows things."""
        return self._tokens[rater]

    def state(self, rater: str) -> dict[str, Any]:
        """What a page shows: the next pairs, how many are done and left, and the pace."""
        with self._lock:
            done = [vote for name, vote in self._done[rater].items() if name in self._by_id]
            seconds = [vote.seconds for vote in done if vote.seconds is not None]
            return {
                "pairs": [
                    asdict(self._tokens[rater].shown[pair.pair]) for pair in self._next(rater)
                ],
                "done": len(done),
                "left": len(self.pairs) - len(done),
                "median_seconds": median(seconds) if seconds else None,
                "last": done[-1].vote if done else None,
            }

    def _next(self, rater: str) -> list[Pair]:
        done = self._done[rater]
        again = [n for n in dict.fromkeys(reversed(self._taken_back[rater])) if n not in done]
        first = [self._by_id[name] for name in again[:AHEAD]]
        if len(first) < AHEAD:
            left = [p for p in self.pairs if p.pair not in done and p.pair not in again]
            ordered = self._order(left, list(self.file.ballot.votes.values())) if left else []
            first += islice(ordered, AHEAD - len(first))
        return first

    def vote(self, rater: str, pair: str, answer: Answer, seconds: float | None) -> None:
        """Record an answer to the pair of that token, unless the rater has given one already.

        It is on the disk when this returns. Raises Unknown.
        """
        found = self._tokens[rater].pair(pair)
        with self._lock:
            if found.pair in self._done[rater]:
                return
            vote = Vote(
                vote=str(uuid4()),
                **{name: getattr(found, name) for name in OF_PAIR},
                choice=choice_of(answer, found),
                rater=rater,
                at=now(),
                seconds=seconds,
                protocol=self.protocols[found.pair],
            )
            self.file.add(vote)
            self._done[rater][found.pair] = vote

    def undo(self, rater: str, vote: str) -> None:
        """Take a vote back, unless that is done already; its pair comes next. Raises Unknown."""
        with self._lock:
            ballot = self.file.ballot
            if vote in ballot.undone:
                return
            found = find(ballot.votes, vote)
            if found.rater != rater or found.pair not in self._by_id:
                raise Unknown
            self.file.undo(vote, rater)
            del self._done[rater][found.pair]
            self._taken_back[rater].append(found.pair)


OF_PAIR = ("pair", "kind", "prompt", "prompt_id", "first", "second", "left")
"""What a vote repeats of its pair, so that a file of votes stands alone."""


def choice_of(answer: Answer, pair: Pair) -> Choice:
    """The source that was chosen, which is the one on that side."""
    if answer in ("tie", "skip"):
        return answer
    return "first" if (answer == "left") == (pair.left == "first") else "second"
