"""A step of CLIP's training with transformers' model in PyTorch; gives the losses so far.

Both towers, the contrastive loss in which equal captions share the pick, clipped gradients and AdamW.
"""

import array
import math
from importlib.metadata import version

from protocol import floats, given, serve


def prepare():
    import torch
    from torch.nn.functional import cross_entropy
    from transformers import CLIPModel

    torch.set_num_threads(given["threads"])
    model = CLIPModel.from_pretrained(given["model"]).float().train()
    batch, side, tokens, settings = (given[key] for key in ("batch", "side", "tokens", "optimiser"))
    read = lambda path, *shape: torch.frombuffer(floats(path, torch.Size(shape).numel()), dtype=torch.float32).reshape(shape)
    pixels = read(given["pixels"], batch, 3, side, side)
    ids = read(given["ids"], batch, tokens).long()
    groups = {}
    for name, weight in model.named_parameters():
        groups.setdefault((name.startswith("text_"), weight.dim() >= 2), []).append(weight)
    optimizer = torch.optim.AdamW(
        [
            {
                "params": weights,
                "lr": given["rate"] * (settings.get("textRate", 1) if of_text else 1),
                "weight_decay": settings["decay"] if decays else 0,
            }
            for (of_text, decays), weights in groups.items()
        ],
        betas=(settings["beta1"], settings["beta2"]),
        eps=settings["epsilon"],
        fused=True,
    )
    losses = array.array("f")

    def run():
        alike = (ids[:, None] == ids[None]).all(2).float()
        share = alike / alike.sum(1, keepdim=True)
        logits = model(input_ids=ids, pixel_values=pixels)
        loss = (cross_entropy(logits.logits_per_image, share) + cross_entropy(logits.logits_per_text, share)) / 2
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), settings["clip"])
        optimizer.step()
        with torch.no_grad():
            model.logit_scale.clamp_(0, math.log(100))
        losses.append(loss.item())
        return losses

    return run


serve({name: version(name) for name in ("torch", "transformers")}, prepare, lambda losses: losses.tobytes())
