"""The same DiT and training step in PyTorch: started by benchmarks.against_torch.

Written as one writes PyTorch for speed: fused attention, gelu and AdamW, foreach clipping and
averages; with `compile`, the whole loss (forward and backward) goes through torch.compile.
Reads one job (JSON) from its first argument; needs no other package than torch.
"""

import json
import math
import sys
import time
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from benchmarks.rounds import serve

MATMUL_SIZE = 1536


def modulate(x: Tensor, shift: Tensor, scale: Tensor) -> Tensor:
    """Adaptive layer norm."""
    x = F.layer_norm(x, x.shape[-1:], eps=1e-6)
    return x * (1 + scale[:, None]) + shift[:, None]


class Block(nn.Module):
    """Attention and a 4x MLP, shifted, scaled and gated by the condition."""

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.modulation = nn.Linear(width, 6 * width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.expand = nn.Linear(width, 4 * width)
        self.contract = nn.Linear(4 * width, width)

    def attention(self, x: Tensor) -> Tensor:
        """Softmax attention over tokens."""
        b, n, d = x.shape
        qkv = self.qkv(x).view(b, n, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        return self.out(F.scaled_dot_product_attention(*qkv).transpose(1, 2).reshape(b, n, d))

    def forward(self, x: Tensor, c: Tensor) -> Tensor:
        """One block."""
        shift1, scale1, gate1, shift2, scale2, gate2 = self.modulation(c).chunk(6, dim=-1)
        x = x + gate1[:, None] * self.attention(modulate(x, shift1, scale1))
        h = F.gelu(self.expand(modulate(x, shift2, scale2)), approximate="tanh")
        return x + gate2[:, None] * self.contract(h)


class DiT(nn.Module):
    """(z, log_snr, tokens) -> prediction, of the shape of z."""

    def __init__(self, job: dict[str, Any]):
        super().__init__()
        width, values = job["width"], job["patch_size"] ** 2 * job["channels"]
        self.patch_size, self.side = job["patch_size"], job["size"] // job["patch_size"]
        self.patch = nn.Linear(values, width)
        self.register_buffer("positions", torch.randn(self.side**2, width))
        frequencies = torch.logspace(math.log10(0.05), 1.0, job["frequencies"] // 2)
        self.register_buffer("frequencies", frequencies)
        self.noise_in = nn.Linear(job["frequencies"], width)
        self.noise_out = nn.Linear(width, width)
        self.words = nn.Parameter(torch.randn(job["vocabulary"], width))
        self.caption = nn.Linear(width, width)
        self.blocks = nn.ModuleList(Block(width, job["heads"]) for _ in range(job["depth"]))
        self.last_modulation = nn.Linear(width, 2 * width)
        self.last = nn.Linear(width, values)
        for name, parameter in self.named_parameters():
            if name.endswith("weight"):
                nn.init.xavier_uniform_(parameter)
            elif name.endswith("bias"):
                nn.init.zeros_(parameter)
        zeroed = [self.last, self.last_modulation, *(block.modulation for block in self.blocks)]
        for layer in zeroed:
            nn.init.zeros_(layer.weight)

    def condition(self, log_snr: Tensor, tokens: Tensor) -> Tensor:
        """The vector that steers every block."""
        angles = log_snr[:, None] * self.frequencies
        noise = self.noise_out(F.silu(self.noise_in(torch.cat([angles.sin(), angles.cos()], -1))))
        words = (tokens > 0).float()
        count = words.sum(1, keepdim=True)
        total = (words[..., None] * F.embedding(tokens, self.words)).sum(1)
        mean = torch.where(count > 0, total / count.clamp(min=1), self.words[0])
        return F.silu(noise + self.caption(mean))

    def forward(self, z: Tensor, log_snr: Tensor, tokens: Tensor) -> Tensor:
        """Predict from noisy images [b h w c]."""
        b, size, side, p = len(z), z.shape[1], self.side, self.patch_size
        cut = z.view(b, side, p, side, p, -1).transpose(2, 3).reshape(b, side * side, -1)
        x = self.patch(cut) + self.positions
        c = self.condition(log_snr, tokens)
        for block in self.blocks:
            x = block(x, c)
        shift, scale = self.last_modulation(c).chunk(2, dim=-1)
        x = self.last(modulate(x, shift, scale))
        return x.view(b, side, side, p, p, -1).transpose(2, 3).reshape(b, size, size, -1)


def trainer(job: dict[str, Any]) -> Any:
    """A function that takes some training steps on random images."""
    torch.manual_seed(0)
    network = DiT(job)
    parameters = dict(network.named_parameters())
    averages = [[p.detach().clone() for p in parameters.values()] for _ in range(job["averages"])]
    kernels = [p for name, p in parameters.items() if name.endswith("weight")]
    others = [p for name, p in parameters.items() if not name.endswith("weight")]
    optimiser = torch.optim.AdamW(
        [{"params": kernels}, {"params": others, "weight_decay": 0.0}],
        lr=1e-3,
        betas=(0.9, 0.99),
        weight_decay=0.01,
        fused=True,
    )
    batch, size, channels = job["batch"], job["size"], job["channels"]
    images = torch.randint(0, 256, (job["examples"], size, size, channels), dtype=torch.uint8)
    captions = torch.randint(0, job["vocabulary"], (job["examples"], job["caption_length"]))
    total = torch.zeros(())

    def loss_of(x0: Tensor, tokens: Tensor, noise: Tensor, log_snr: Tensor) -> Tensor:
        alpha = torch.sigmoid(log_snr).sqrt()[:, None, None, None]
        sigma = torch.sigmoid(-log_snr).sqrt()[:, None, None, None]
        output = network(alpha * x0 + sigma * noise, log_snr, tokens)
        return (output - (alpha * noise - sigma * x0)).square().mean()

    if job["compile"]:
        loss_of = torch.compile(loss_of)

    def step(count: int) -> None:
        index = torch.randint(0, job["examples"], (batch,))
        x0 = images[index].float() / 127.5 - 1
        tokens = captions[index] * (torch.rand(batch, 1) >= 0.1)
        u = (torch.arange(batch) + torch.rand(())) / batch
        log_snr = (-2 * torch.log(torch.tan(math.pi / 2 * u))).clamp(-10, 10)
        loss = loss_of(x0, tokens, torch.randn(x0.shape), log_snr)
        loss.backward()
        nn.utils.clip_grad_norm_(parameters.values(), 1.0, foreach=True)
        optimiser.step()
        optimiser.zero_grad()
        total.add_(loss.detach())
        with torch.no_grad():
            for average in averages:
                torch._foreach_lerp_(average, list(parameters.values()), 1 / (count + 2))

    def advance(count: int) -> None:
        for i in range(count):
            step(i)

    return advance


def matmul(count: int) -> None:
    """Square float32 products."""
    a = torch.ones(MATMUL_SIZE, MATMUL_SIZE)
    for _ in range(count):
        a @ a


def main(job: dict[str, Any]) -> None:
    """Serve one job."""
    torch.set_num_threads(job["threads"])
    if "width" not in job:
        serve(matmul, {"flops_per_step": 2 * MATMUL_SIZE**3})
        return
    advance = trainer(job)
    cpu, start = time.process_time(), time.perf_counter()
    advance(1)
    first = {"compile": time.perf_counter() - start, "compile_cpu": time.process_time() - cpu}
    serve(advance, first)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
