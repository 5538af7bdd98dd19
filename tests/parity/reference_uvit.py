"""U-ViT in PyTorch, from its paper (arXiv 2209.12152), with the published keys.

Options: heads, patch_size, and `order` of the tokens: "time, context", "class, time" or "time".
"""

import math

import torch
from torch.nn import functional as F


def timestep_features(t, width):
    frequencies = 10000.0 ** (-torch.arange(width // 2, dtype=torch.float64) / (width // 2))
    angles = t[:, None].double() * frequencies
    return torch.cat([angles.cos(), angles.sin()], 1).float()


class Weights:
    """Weights under a prefix."""

    def __init__(self, arrays, prefix=""):
        self.arrays, self.prefix = arrays, prefix

    def __getitem__(self, name):
        return self.arrays[self.prefix + name]

    def __contains__(self, name):
        return self.prefix + name in self.arrays

    def under(self, name):
        return Weights(self.arrays, f"{self.prefix}{name}.")

    def linear(self, name, x):
        return F.linear(x, self[f"{name}.weight"], self.arrays.get(f"{self.prefix}{name}.bias"))

    def norm(self, name, x):
        mean, variance = x.mean(-1, keepdim=True), x.var(-1, keepdim=True, correction=0)
        return (x - mean) / (variance + 1e-5).sqrt() * self[f"{name}.weight"] + self[f"{name}.bias"]


def attention(w, x, heads):
    b, n, d = x.shape
    q, k, v = w.linear("qkv", x).view(b, n, 3, heads, d // heads).unbind(2)
    scores = torch.einsum("bnhe,bmhe->bhnm", q, k) / math.sqrt(d // heads)
    return w.linear("proj", torch.einsum("bhnm,bmhe->bnhe", scores.softmax(-1), v).flatten(2))


def block(w, x, heads, skip=None):
    if skip is not None:
        x = w.linear("skip_linear", torch.cat([x, skip], -1))
    x = x + attention(w.under("attn"), w.norm("norm1", x), heads)
    h = w.linear("mlp.fc1", w.norm("norm2", x))
    return x + w.linear("mlp.fc2", h * (1 + torch.erf(h / math.sqrt(2))) / 2)


def network(w, z, t, y, heads, patch_size, order):
    """z [b, h, w, c]; y numbers [b, t] (none is the last), or vectors [b, t, e]."""
    b, height, width, channels = z.shape
    z = z.permute(0, 3, 1, 2)
    kernel = w["patch_embed.proj.weight"]
    patches = F.conv2d(z, kernel, w["patch_embed.proj.bias"], stride=patch_size)
    patches = patches.flatten(2).transpose(1, 2)
    before = [timestep_features(t, kernel.shape[0])[:, None]]
    context = w["label_emb.weight"][y] if "label_emb.weight" in w else y
    if "context_embed.weight" in w:
        context = w.linear("context_embed", context)
    if "," in order:
        before.append(context)
    if order == "class, time":
        before.reverse()
    x = torch.cat([*before, patches], 1) + w["pos_embed"]

    half = sum(name.startswith("in_blocks.") for name in w.arrays if name.endswith("norm1.weight"))
    skips = []
    for i in range(half):
        x = block(w.under(f"in_blocks.{i}"), x, heads)
        skips.append(x)
    x = block(w.under("mid_block"), x, heads)
    for i in range(half):
        x = block(w.under(f"out_blocks.{i}"), x, heads, skips.pop())

    x = w.linear("decoder_pred", w.norm("norm", x))[:, -patches.shape[1] :]
    p, rows, columns = patch_size, height // patch_size, width // patch_size
    x = x.view(b, rows, columns, p, p, channels).permute(0, 5, 1, 3, 2, 4)
    x = x.reshape(b, channels, height, width)
    if "final_layer.weight" in w:
        x = F.conv2d(x, w["final_layer.weight"], w["final_layer.bias"], padding=1)
    return x.permute(0, 2, 3, 1)


def main(arrays, **options):
    """The prediction [b, h, w, c] for images z [b, h, w, c], steps t and conditions y."""
    z, t, y = (torch.from_numpy(arrays.pop(name)) for name in ("z", "t", "y"))
    weights = Weights({name: torch.from_numpy(array) for name, array in arrays.items()})
    with torch.no_grad():
        return {"out": network(weights, z, t, y, **options).numpy()}
