"""What traced and compiled programs compute."""

import math
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp

from models.compute import PLAIN
from models.networks.functional import functional


def programs(family, shape, compute=PLAIN):
    """Forward pass, and a loss with its gradients, of (parameters, z, log_snr, tokens)."""
    apply = functional(family, shape, compute).apply

    def loss(parameters, *given):
        return jnp.sum(apply(parameters, *given) ** 2)

    return apply, jax.value_and_grad(loss)


def equations(jaxpr, times=1) -> Iterator[tuple[Any, int]]:
    """Every equation, those inside others too, and how often it runs."""
    for equation in jaxpr.eqns:
        yield equation, times
        inside = times * (equation.params["length"] if equation.primitive.name == "scan" else 1)
        for value in equation.params.values():
            for one in value if isinstance(value, (list, tuple)) else (value,):
                inner = getattr(one, "jaxpr", one)
                if hasattr(inner, "eqns"):
                    yield from equations(inner, inside)


def products(function, *arguments):
    """(equation, how often it runs, terms of each of its sums) of matrix products, convolutions."""
    for equation, times in equations(jax.make_jaxpr(function)(*arguments).jaxpr):
        kind, axes = equation.primitive.name, equation.params.get("dimension_numbers")
        if kind == "dot_general":
            contracted, first = axes[0][0], equation.invars[0].aval.shape
            yield equation, times, math.prod(first[i] for i in contracted)
        if kind == "conv_general_dilated":
            kernel = equation.invars[1].aval.shape
            yield equation, times, math.prod(kernel) // kernel[axes.rhs_spec[0]]


def product_flops(function, *arguments):
    """FLOPs of every matrix product and convolution, loops multiplied out."""
    return sum(
        2 * times * terms * math.prod(equation.outvars[0].aval.shape)
        for equation, times, terms in products(function, *arguments)
    )


def factors(function, *arguments):
    """Types of the numbers that are multiplied in matrix products and convolutions."""
    found = products(function, *arguments)
    return {factor.aval.dtype.name for equation, *_ in found for factor in equation.invars}


def compiled_flops(function, *arguments):
    """FLOPs by the compiler's count, elementwise work among them."""
    found: Any = jax.jit(function).lower(*arguments).compile().cost_analysis()
    return found["flops"]


def compiled_bytes(function, *arguments):
    """Memory of temporaries by the compiler's plan, which needs no fast code."""
    options = {"xla_backend_optimization_level": 0}
    compiled = jax.jit(function).lower(*arguments).compile(compiler_options=options)
    found: Any = compiled.memory_analysis()
    return found.temp_size_in_bytes
