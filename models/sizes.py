"""Sizes of one's own: solved for a target, or by a rule in a size number n."""

import ast
import math
import operator
from bisect import bisect_left
from collections.abc import Callable, Mapping
from typing import Any

from models.ladder import Rung

ASPECT_COUNTS = 0.02
"""How much a factor e in the aspect counts against one in the cost: enough to break near ties."""
WIDEST = 100_000


def depths(width: int, aspect: tuple[float, float], odd_depth: bool = False) -> range:
    """Every depth that keeps width / depth in bounds; at least one."""
    narrow, wide = aspect
    shallowest = max(1, math.ceil(width / wide))
    shallowest += odd_depth and shallowest % 2 == 0
    deepest = max(shallowest, math.floor(width / narrow))
    return range(shallowest, deepest + 1, 1 + odd_depth)


def solve(
    cost: Callable[[Rung], float],
    target: float,
    *,
    head_width: int,
    aspect: tuple[float, float],
    odd_depth: bool = False,
) -> Rung:
    """The rung whose cost is nearest to the target by ratio; of near ties the usual aspect.

    `cost` must grow with width and depth. Raises ValueError for a target that is not positive or
    that no width below 100,000 reaches.
    """
    if not target > 0:
        raise ValueError(f"a size of {target:g} cannot be solved for: it must be positive")
    middle = math.sqrt(aspect[0] * aspect[1])

    def miss(rung: Rung) -> float:
        shape = abs(math.log(rung.width / rung.depth / middle))
        return abs(math.log(cost(rung) / target)) + ASPECT_COUNTS * shape

    best: list[Rung] = []
    for heads in range(1, WIDEST // head_width + 1):
        width = heads * head_width
        allowed = depths(width, aspect, odd_depth)

        def at(depth: int, width: int = width, heads: int = heads) -> Rung:
            return Rung(name="", depth=depth, width=width, heads=heads)

        # Of one width only the last depth below the target and the first above can be nearest.
        above = bisect_left(allowed, target, key=lambda depth, at=at: cost(at(depth)))
        near = [at(depth) for depth in allowed[max(above - 1, 0) : above + 1]]
        best = [min(best + near, key=miss)]
        if cost(at(allowed[0])) > 2 * target:
            return best[0]
    raise ValueError(f"no size reaches {target:g}")


OPERATORS: Mapping[type, Callable[..., Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
}
FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "round": round,
    "floor": math.floor,
    "ceil": math.ceil,
    "sqrt": math.sqrt,
    "log2": math.log2,
    "min": min,
    "max": max,
}


def evaluate(formula: str, n: float) -> int:
    """A formula such as "16 * round(4 * n)" at n, a whole number; ValueError for any other."""

    def value(node: Any) -> float:
        match node:
            case ast.Constant(value=int() | float() as number):
                return float(number)
            case ast.Name(id="n"):
                return n
            case ast.BinOp(left, how, right) if type(how) in OPERATORS:
                return OPERATORS[type(how)](value(left), value(right))
            case ast.UnaryOp(op=ast.USub(), operand=operand):
                return -value(operand)
            case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
                return float(FUNCTIONS[name](*map(value, arguments)))
        raise ValueError(
            f"'{formula}': only n, numbers, + - * / // ** and {', '.join(FUNCTIONS)} may stand here"
        )

    try:
        found = value(ast.parse(formula, mode="eval").body)
    except (SyntaxError, ZeroDivisionError, OverflowError, TypeError) as error:
        raise ValueError(f"'{formula}' cannot be computed at n = {n:g}: {error}") from None
    if found != round(found):
        raise ValueError(f"'{formula}' is {found:g} at n = {n:g}, not a whole number")
    return round(found)
