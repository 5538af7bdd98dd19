"""How far two sets of features [n, d] lie apart: float64 functions of arrays, without jax."""
