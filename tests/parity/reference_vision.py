"""Vision transformers in PyTorch with published keys: DINOv2's and OpenAI's from their papers.

`transformers` is that library's own CLIPVisionModelWithProjection.
"""

import torch
from torch import nn

GRID, OFFSET = 5, 0.1


class Scale(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(d))


class Attention(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)


class MLP(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)


class Block(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(d, eps=1e-6), nn.LayerNorm(d, eps=1e-6)
        self.attn, self.mlp, self.ls1, self.ls2 = Attention(d), MLP(d), Scale(d), Scale(d)

    def forward(self, x):
        n, t, d = x.shape
        q, k, v = self.attn.qkv(self.norm1(x)).view(n, t, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v).transpose(1, 2)
        x = x + self.ls1.gamma * self.attn.proj(mixed.reshape(n, t, d))
        inside = nn.functional.gelu(self.mlp.fc1(self.norm2(x)))
        return x + self.ls2.gamma * self.mlp.fc2(inside)


class DINOv2(nn.Module):
    def __init__(self, width, depth, heads, patch, **_):
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, width))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + GRID**2, width))
        self.patch_embed = nn.Module()
        self.patch_embed.proj = nn.Conv2d(3, width, patch, patch)
        self.blocks = nn.ModuleList([Block(width, heads) for _ in range(depth)])
        self.norm = nn.LayerNorm(width, eps=1e-6)

    def positions(self, side):
        grid = self.pos_embed[:, 1:].reshape(1, GRID, GRID, -1).permute(0, 3, 1, 2)
        scale = (side + OFFSET) / GRID
        grid = nn.functional.interpolate(grid, mode="bicubic", scale_factor=(scale, scale))
        assert grid.shape[-2:] == (side, side)
        return torch.cat([self.pos_embed[:, :1], grid.flatten(2).transpose(1, 2)], 1)

    def forward(self, x):
        x = self.patch_embed.proj(x)
        positions = self.positions(x.shape[-1])
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.cls_token.expand(len(x), -1, -1), x], 1) + positions
        for block in self.blocks:
            x = block(x)
        return self.norm(x)[:, 0]


class Residual(nn.Module):
    def __init__(self, d, heads):
        super().__init__()
        self.attn = nn.MultiheadAttention(d, heads, batch_first=True)
        self.ln_1, self.ln_2 = nn.LayerNorm(d), nn.LayerNorm(d)
        self.mlp = nn.ModuleDict({"c_fc": nn.Linear(d, 4 * d), "c_proj": nn.Linear(4 * d, d)})

    def forward(self, x):
        y = self.ln_1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        inside = self.mlp["c_fc"](self.ln_2(x))
        return x + self.mlp["c_proj"](inside * torch.sigmoid(1.702 * inside))


class Visual(nn.Module):
    def __init__(self, width, depth, heads, patch, pixels, features, **_):
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, patch, patch, bias=False)
        self.class_embedding = nn.Parameter(torch.zeros(width))
        self.positional_embedding = nn.Parameter(torch.zeros(1 + (pixels // patch) ** 2, width))
        self.ln_pre, self.ln_post = nn.LayerNorm(width), nn.LayerNorm(width)
        self.transformer = nn.Module()
        self.transformer.resblocks = nn.ModuleList([Residual(width, heads) for _ in range(depth)])
        self.proj = nn.Parameter(torch.zeros(width, features))

    def forward(self, x):
        x = self.conv1(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.class_embedding.expand(len(x), 1, -1), x], 1)
        x = self.ln_pre(x + self.positional_embedding)
        for block in self.transformer.resblocks:
            x = block(x)
        return self.ln_post(x[:, 0]) @ self.proj


def openai(**size):
    model = nn.Module()
    model.visual = Visual(**size)
    return model, model.visual


def dinov2(**size):
    model = DINOv2(**size)
    return model, model


def transformers(width, depth, heads, patch, pixels, features, **_):
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=depth,
        num_attention_heads=heads,
        patch_size=patch,
        image_size=pixels,
        projection_dim=features,
    )
    model = CLIPVisionModelWithProjection(config).eval()
    return model, lambda x: model(pixel_values=x).image_embeds


@torch.no_grad()
def main(arrays, layout, **size):
    pixels = torch.from_numpy(arrays.pop("pixels")).permute(0, 3, 1, 2) / 255
    mean, deviation = (torch.tensor(size[name])[:, None, None] for name in ("mean", "deviation"))
    model, run = globals()[layout](**size)
    model.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
    return {"features": run((pixels - mean) / deviation).numpy()}
