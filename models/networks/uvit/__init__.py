"""U-ViT (arXiv 2209.12152): its shape and counts import no jax, its network does."""
