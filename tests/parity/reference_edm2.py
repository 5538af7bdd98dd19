"""EDM2's U-Net in PyTorch, from the paper's equations (arXiv 2312.02696) and its figure 21.

It reads weights under the published names and finds the architecture in them.
"""

import math

import torch
from torch.nn import functional as F

EPSILON = 1e-4


def unit(x, axes):
    """Magnitude one along the axes: the root of the mean square (Eq. 47, 66)."""
    return x / (x.square().mean(axes, keepdim=True).sqrt() + EPSILON)


def silu(x):
    return F.silu(x) / 0.596  # Eq. 81


def blend(a, b, t):
    return ((1 - t) * a + t * b) / math.sqrt((1 - t) ** 2 + t**2)  # Eq. 88


def join(a, b, t=0.5):
    na, nb = a.shape[1], b.shape[1]  # Eq. 103
    scale = math.sqrt((na + nb) / ((1 - t) ** 2 + t**2))
    return torch.cat([scale * (1 - t) / math.sqrt(na) * a, scale * t / math.sqrt(nb) * b], dim=1)


def layer(x, weight, gain=1.0):
    """Eq. 47: unit weights over the root of their number, for one output."""
    weight = gain * unit(weight, tuple(range(1, weight.ndim))) / math.sqrt(weight[0].numel())
    if weight.ndim == 2:
        return F.linear(x, weight)
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2)


def attend(x, weights, head_width):
    b, c, h, w = x.shape
    mixed = layer(x, weights["attn_qkv.weight"])
    mixed = mixed.reshape(b, c // head_width, head_width, 3, h * w)
    q, k, v = (unit(mixed[:, :, :, i], 2).transpose(2, 3) for i in range(3))
    seen = F.scaled_dot_product_attention(q, k, v)  # over the root of head_width
    return layer(seen.transpose(2, 3).reshape(b, c, h, w), weights["attn_proj.weight"])


def block(x, c, weights, *, decodes, resample, head_width):
    if resample == "down":
        x = F.avg_pool2d(x, 2)
    if resample == "up":
        x = F.interpolate(x, scale_factor=2, mode="nearest")
    skip = weights.get("conv_skip.weight")
    if not decodes:
        x = unit(x if skip is None else layer(x, skip), 1)
    y = layer(silu(x), weights["conv_res0.weight"])
    scale = 1 + layer(c, weights["emb_linear.weight"], weights["emb_gain"])
    y = layer(silu(y * scale[:, :, None, None]), weights["conv_res1.weight"])
    if decodes and skip is not None:
        x = layer(x, skip)
    x = blend(x, y, 0.3)
    if "attn_qkv.weight" in weights:
        x = blend(x, attend(x, weights, head_width), 0.3)
    return x.clamp(-256, 256)


def blocks(weights, part):
    """Names under unet.enc or unet.dec in the order of the computation."""
    found = dict.fromkeys(k.split(".")[2] for k in weights if k.startswith(f"unet.{part}."))

    def place(name):
        side, what = int(name.split("x")[0]), name.split("_")[1]
        first = {"conv": 0, "down": 0, "up": 0, "in0": 0, "in1": 1}
        order = first.get(what, 2 + int(what[5:]) if what.startswith("block") else 2)
        return (side if part == "dec" else -side, order)

    return sorted(found, key=place)


def under(weights, prefix):
    return {k[len(prefix) :]: v for k, v in weights.items() if k.startswith(prefix)}


def unet(weights, x, noise, label, head_width):
    """x [b, c, h, w] in unit variance, c_noise [b], label [b, classes] in one-hot."""
    features = math.sqrt(2) * torch.cos(  # Eq. 75
        noise[:, None] * weights["unet.emb_fourier.freqs"] + weights["unet.emb_fourier.phases"]
    )
    c = layer(features, weights["unet.emb_noise.weight"])
    if "unet.emb_label.weight" in weights:
        named = label * math.sqrt(label.shape[1])
        c = blend(c, layer(named, weights["unet.emb_label.weight"]), 0.5)
    c = silu(c)
    x = torch.cat([x, torch.ones_like(x[:, :1])], dim=1)
    skips = []
    for name in blocks(weights, "enc"):
        own = under(weights, f"unet.enc.{name}.")
        if name.endswith("_conv"):
            x = layer(x, own["weight"])
        else:
            resample = "down" if name.endswith("_down") else None
            x = block(x, c, own, decodes=False, resample=resample, head_width=head_width)
        skips.append(x)
    for name in blocks(weights, "dec"):
        own = under(weights, f"unet.dec.{name}.")
        if "_block" in name:
            x = join(x, skips.pop())
        resample = "up" if name.endswith("_up") else None
        x = block(x, c, own, decodes=True, resample=resample, head_width=head_width)
    return layer(x, weights["unet.out_conv.weight"], weights["unet.out_gain"])


def denoise(weights, x, sigma, label, head_width, data=0.5):
    """D(x; sigma) with the preconditioning of EDM (arXiv 2206.00364, table 1)."""
    s = sigma[:, None, None, None]
    total = s**2 + data**2
    inner = unet(weights, x / total.sqrt(), sigma.log() / 4, label, head_width)
    return data**2 / total * x + s * data / total.sqrt() * inner


def main(arrays, head_width):
    """`noisy`, `sigma`, `label` and weights: the network's output and the denoised image."""
    given = {name: torch.from_numpy(array) for name, array in arrays.items()}
    noisy, sigma, label = (given.pop(name) for name in ("noisy", "sigma", "label"))
    with torch.no_grad():
        raw = unet(given, noisy, sigma.log() / 4, label, head_width)
        denoised = denoise(given, noisy, sigma, label, head_width)
    return {"raw": raw.numpy(), "denoised": denoised.numpy()}
