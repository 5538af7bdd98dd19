"""DiT (arXiv 2212.09748): its shape and counts import no jax, its network does."""
