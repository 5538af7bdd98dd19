"""CLIP's two towers by transformers and by OpenCLIP, from uint8 images and tokens to cosines.

`hps` is OpenCLIP's network behind the steps that the package hpsv2 takes with an image.
"""

import torch
from PIL import Image


def transformers(vision, text, features, quick):
    import transformers as library

    activation = {"hidden_act": "quick_gelu" if quick else "gelu"}
    config = library.CLIPConfig(
        projection_dim=features,
        vision_config={
            "hidden_size": vision["width"],
            "intermediate_size": 4 * vision["width"],
            "num_hidden_layers": vision["depth"],
            "num_attention_heads": vision["heads"],
            "patch_size": vision["patch"],
            "image_size": vision["pixels"],
            **activation,
        },
        text_config={
            "hidden_size": text["width"],
            "intermediate_size": 4 * text["width"],
            "num_hidden_layers": text["depth"],
            "num_attention_heads": text["heads"],
            "max_position_embeddings": text["context"],
            "vocab_size": text["vocabulary"],
            "eos_token_id": text["vocabulary"] - 1,
            **activation,
        },
    )
    side = vision["pixels"]
    processor = getattr(library, "CLIPImageProcessorPil", library.CLIPImageProcessor)
    process = processor(size={"shortest_edge": side}, crop_size={"height": side, "width": side})
    model = library.CLIPModel(config).eval()

    def run(pixels, tokens):
        found = model(input_ids=tokens, pixel_values=pixels)
        return found.image_embeds, found.text_embeds

    return model, run, lambda image: process(image, return_tensors="pt")["pixel_values"][0]


def openai(vision, text, features, quick):
    from open_clip.model import CLIP
    from open_clip.transform import image_transform

    model = CLIP(
        embed_dim=features,
        vision_cfg={
            "width": vision["width"],
            "layers": vision["depth"],
            "head_width": vision["width"] // vision["heads"],
            "patch_size": vision["patch"],
            "image_size": vision["pixels"],
        },
        text_cfg={
            "width": text["width"],
            "layers": text["depth"],
            "heads": text["heads"],
            "context_length": text["context"],
            "vocab_size": text["vocabulary"],
        },
        quick_gelu=quick,
    ).eval()
    process = image_transform(vision["pixels"], is_train=False)

    def run(pixels, tokens):
        return model.encode_image(pixels), model.encode_text(tokens)

    return model, run, process


def hps(vision, text, features, quick):
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms import functional as F

    model, run, _ = openai(vision, text, features, quick)
    side = vision["pixels"]

    def process(image):
        pixels = F.to_tensor(image)
        height, width = (round(n * side / max(pixels.shape[1:])) for n in pixels.shape[1:])
        pixels = F.resize(pixels, [height, width], InterpolationMode.BICUBIC, antialias=True)
        down, right = side - height, side - width
        edges = [right // 2, down // 2, right - right // 2, down - down // 2]
        pixels = F.pad(pixels, edges)
        return F.normalize(pixels, vision["mean"], vision["deviation"])

    return model, run, process


@torch.no_grad()
def main(arrays, layout, vision, text, features, quick):
    images, tokens = arrays.pop("images"), torch.from_numpy(arrays.pop("tokens"))
    model, run, process = globals()[layout](vision, text, features, quick)
    model.load_state_dict({key: torch.from_numpy(array) for key, array in arrays.items()})
    pixels = torch.stack([process(Image.fromarray(image)) for image in images])
    seen, read = (x / x.norm(dim=1, keepdim=True) for x in run(pixels, tokens))
    return {
        "pixels": pixels.permute(0, 2, 3, 1).numpy(),
        "cosines": (seen * read).sum(dim=1).numpy(),
        "scale": model.logit_scale.exp().numpy(),
    }
