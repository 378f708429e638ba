"""A step of CLIPSelf with transformers' image tower in PyTorch; gives the losses so far.

The student's dense map, its regions and the teacher's embeddings of their crops, one less their mean cosine, and AdamW
over the blocks.
"""

import array
import copy
from importlib.metadata import version

from protocol import floats, given, serve


def prepare():
    import torch
    from torch.nn.functional import cosine_similarity, normalize
    from transformers import CLIPVisionModelWithProjection

    torch.set_num_threads(given["threads"])
    student = CLIPVisionModelWithProjection.from_pretrained(given["model"]).float()
    student.requires_grad_(False)
    teacher = copy.deepcopy(student).eval()
    tower = student.vision_model
    images, side, regions, crop, settings = (given[key] for key in ("images", "side", "regions", "crop", "optimiser"))
    read = lambda path, *shape: torch.frombuffer(floats(path, torch.Size(shape).numel()), dtype=torch.float32).reshape(shape)
    pixels = read(given["pixels"], images, 3, side, side)
    crops = read(given["crops"], regions, 3, crop, crop)
    patches = images * (side // tower.config.patch_size) ** 2
    weights = read(given["weights"], regions, patches)
    layers = tower.encoder.layers
    layers.requires_grad_(True)
    groups = {}
    for weight in layers.parameters():
        groups.setdefault(weight.dim() >= 2, []).append(weight)
    optimizer = torch.optim.AdamW(
        [
            {"params": members, "lr": given["rate"], "weight_decay": settings["decay"] if decays else 0}
            for decays, members in groups.items()
        ],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["epsilon"],
        fused=True,
    )

    def dense_map():
        x = tower.pre_layrnorm(tower.embeddings(pixels, interpolate_pos_encoding=True))
        *first, last = layers
        for layer in first:
            x = layer(x, None)
            x = x[0] if isinstance(x, tuple) else x
        x = x + last.self_attn.out_proj(last.self_attn.v_proj(last.layer_norm1(x)))
        x = x + last.mlp(last.layer_norm2(x))
        return normalize(student.visual_projection(tower.post_layernorm(x[:, 1:])), dim=-1)

    losses = array.array("f")

    def run():
        with torch.no_grad():
            target = teacher(crops).image_embeds
        features = weights @ dense_map().flatten(0, 1)
        loss = 1 - cosine_similarity(features, target).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        return losses

    return run


serve({name: version(name) for name in ("torch", "transformers")}, prepare, lambda losses: losses.tobytes())
