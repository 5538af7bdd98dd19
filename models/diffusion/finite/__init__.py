"""A finite set of images under diffusion: its best denoiser, exactly and from a few images."""
