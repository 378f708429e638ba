"""A step of training of transformers' image tower in PyTorch: forward, backward, AdamW; gives the losses so far."""

import array
from importlib.metadata import version

from protocol import floats, given, serve


def prepare():
    import torch
    from transformers import CLIPVisionModelWithProjection

    torch.set_num_threads(given["threads"])
    model = CLIPVisionModelWithProjection.from_pretrained(given["model"]).float().train()
    batch, side, width = given["batch"], given["side"], given["embedding"]
    read = lambda path, *shape: torch.frombuffer(floats(path, torch.Size(shape).numel()), dtype=torch.float32).reshape(shape)
    pixels = read(given["input"], batch, 3, side, side)
    targets = read(given["targets"], batch, width)
    adam = given["adam"]
    decaying = [weight for weight in model.parameters() if weight.dim() >= 2]
    others = [weight for weight in model.parameters() if weight.dim() < 2]
    optimizer = torch.optim.AdamW(
        [{"params": decaying, "weight_decay": adam["decay"]}, {"params": others, "weight_decay": 0}],
        lr=given["rate"],
        betas=(adam["beta1"], adam["beta2"]),
        eps=adam["epsilon"],
        fused=True,
    )
    losses = array.array("f")

    def run():
        embeddings = torch.nn.functional.normalize(model(pixel_values=pixels).image_embeds, dim=-1)
        loss = (embeddings - targets).square().sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        return losses

    return run


serve({name: version(name) for name in ("torch", "transformers")}, prepare, lambda losses: losses.tobytes())
