"""How far two sets of features [n, d] lie apart: functions of arrays, without jax."""
