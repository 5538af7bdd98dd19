"""EDM2's U-Net (arXiv 2312.02696): its shape and counts import no jax, its network does."""
