"""DiT in PyTorch, from its paper's equations (arXiv 2212.09748), with the published keys.

Text variants as their captions say: `in_context` and `cross_attention` attend to the null vector
and the words before the padding, which a mask hides.
"""

import math

import torch
from torch import nn


def angles(positions, width, base=10000.0):
    return positions[:, None] * base ** (-torch.arange(width // 2).double() / (width // 2))


def sines(positions, width):
    inner = angles(positions.double(), width)
    return torch.cat([inner.sin(), inner.cos()], 1)


def norm(x):
    return nn.functional.layer_norm(x, x.shape[-1:], eps=1e-6)


def attention(q, k, v, heads, hidden):
    """Softmax of q k / sqrt(width of a head), without keys where `hidden` [b, m] is true."""
    q, k, v = (a.unflatten(-1, (heads, -1)).transpose(1, 2) for a in (q, k, v))
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    scores = scores.masked_fill(hidden[:, None, None], -math.inf)
    return (scores.softmax(-1) @ v).transpose(1, 2).flatten(-2)


class Heads(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.qkv, self.proj = nn.Linear(d, 3 * d), nn.Linear(d, d)


class Cross(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.q_linear, self.kv_linear = nn.Linear(d, d), nn.Linear(d, 2 * d)
        self.proj = nn.Linear(d, d)


class MLP(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(d, 4 * d), nn.Linear(4 * d, d)


class Block(nn.Module):
    def __init__(self, d, cross):
        super().__init__()
        self.attn, self.mlp = Heads(d), MLP(d)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(d, 6 * d))
        if cross:
            self.cross_attn = Cross(d)

    def forward(self, x, c, heads, hidden, text, text_hidden):
        shift1, scale1, gate1, shift2, scale2, gate2 = self.adaLN_modulation(c)[:, None].chunk(
            6, dim=-1
        )
        q, k, v = self.attn.qkv(norm(x) * (1 + scale1) + shift1).chunk(3, dim=-1)
        x = x + gate1 * self.attn.proj(attention(q, k, v, heads, hidden))
        if text is not None:
            k, v = self.cross_attn.kv_linear(text).chunk(2, dim=-1)
            read = attention(self.cross_attn.q_linear(norm(x)), k, v, heads, text_hidden)
            x = x + self.cross_attn.proj(read)
        h = self.mlp.fc1(norm(x) * (1 + scale2) + shift2)
        return x + gate2 * self.mlp.fc2(nn.functional.gelu(h, approximate="tanh"))


class FinalLayer(nn.Module):
    def __init__(self, d, outputs):
        super().__init__()
        self.linear = nn.Linear(d, outputs)
        self.adaLN_modulation = nn.Sequential(nn.SiLU(), nn.Linear(d, 2 * d))


class DiT(nn.Module):
    def __init__(self, o):
        super().__init__()
        d, p, kind = o["width"], o["patch_size"], o["conditioning"]
        side = o["size"] // p
        self.options = o
        self.x_embedder = nn.ModuleDict({"proj": nn.Conv2d(o["channels"], d, p, stride=p)})
        self.t_embedder = nn.ModuleDict(
            {"mlp": nn.Sequential(nn.Linear(o["frequencies"], d), nn.SiLU(), nn.Linear(d, d))}
        )
        self.y_embedder = nn.ModuleDict()
        e = o["embedding_width"] or d
        if not o["embedding_width"]:
            self.y_embedder["embedding_table"] = nn.Embedding(o["vocabulary"], d)
        if kind != "class":
            self.y_embedder["pooled"] = nn.Linear(e, d)
        if kind in ("in_context", "cross_attention"):
            self.y_embedder["tokens"] = nn.Linear(e, d)
        rows, columns = torch.arange(side).repeat_interleave(side), torch.arange(side).repeat(side)
        places = torch.cat([sines(columns, d // 2), sines(rows, d // 2)], 1)
        self.pos_embed = nn.Parameter(places.float()[None])
        cross = kind == "cross_attention"
        self.blocks = nn.ModuleList([Block(d, cross) for _ in range(o["depth"])])
        self.final_layer = FinalLayer(d, p * p * o["channels"] * (1 + o["learned_variance"]))

    def text(self, y):
        """Vectors of the conditions, none's in front, and which of them are padding."""
        o = self.options
        if o["embedding_width"]:
            vectors, padding = y, (y == 0).all(-1)
            none = torch.zeros_like(vectors[:, :1])
        else:
            table = self.y_embedder["embedding_table"].weight  # none's is the last
            vectors, padding = table[y - 1], y == 0
            none = table[-1].expand(len(y), 1, -1)
        return torch.cat([none, vectors], 1), nn.functional.pad(padding, (1, 0))

    def forward(self, x, t, y):
        """x [b, c, h, w], steps t [b], conditions y [b, t] with 0 for none, or [b, t, e]."""
        o, kind, d = self.options, self.options["conditioning"], self.options["width"]
        x = self.x_embedder["proj"](x).flatten(2).transpose(1, 2) + self.pos_embed
        patches = x.shape[1]
        inner = angles(t.double(), o["frequencies"])
        c = self.t_embedder["mlp"](torch.cat([inner.cos(), inner.sin()], 1).float())

        vectors, padding = self.text(y)
        if kind == "class":
            c = c + vectors[:, 1]
        else:
            words = (~padding)[:, 1:, None]
            mean = (vectors[:, 1:] * words).sum(1) / words.sum(1).clamp(min=1)
            c = c + self.y_embedder["pooled"](torch.where(words.any(1), mean, vectors[:, 0]))

        hidden, text, text_hidden = torch.zeros(x.shape[:2], dtype=torch.bool), None, None
        if kind in ("in_context", "cross_attention"):
            text, text_hidden = self.y_embedder["tokens"](vectors), padding
            if not o["embedding_width"]:
                order = torch.arange(text.shape[1])
                places = [sines(order, d // 2), sines(torch.zeros_like(order), d // 2)]
                text = text + torch.cat(places, 1).float()
        if kind == "in_context":
            x, hidden, text = torch.cat([x, text], 1), torch.cat([hidden, padding], 1), None
        for block in self.blocks:
            x = block(x, c, o["heads"], hidden, text, text_hidden)

        shift, scale = self.final_layer.adaLN_modulation(c)[:, None].chunk(2, dim=-1)
        x = self.final_layer.linear(norm(x[:, :patches]) * (1 + scale) + shift)
        p, side = o["patch_size"], o["size"] // o["patch_size"]
        x = x.reshape(len(x), side, side, p, p, -1).permute(0, 5, 1, 3, 2, 4)
        return x.reshape(len(x), -1, o["size"], o["size"])[:, : o["channels"]]


def predict(arrays, options):
    """The prediction [b, h, w, c] for images z [b, h, w, c], steps t and conditions y."""
    z, t, y = (torch.from_numpy(arrays.pop(name)) for name in ("z", "t", "y"))
    network = DiT(options)
    weights = {key: torch.from_numpy(array) for key, array in arrays.items()}
    network.load_state_dict(weights | {"pos_embed": network.pos_embed.data}, strict=True)
    with torch.no_grad():
        out = network(z.permute(0, 3, 1, 2), t, y.long() if y.dtype == torch.int32 else y)
    return out.permute(0, 2, 3, 1).numpy()


def main(arrays, cases):
    """`predict` for several networks: {name: options}, and arrays by "name/key"."""
    by_case = {
        case: {key.partition("/")[2]: arrays[key] for key in arrays if key.startswith(f"{case}/")}
        for case in cases
    }
    return {case: predict(by_case[case], options) for case, options in cases.items()}
