"""Where images come from: `facts.facts` (fast, without jax), `source.load` (arrays, with jax)."""
