"""transformers' image tower in PyTorch: embeddings of a batch of pixels."""

from importlib.metadata import version

from protocol import floats, given, serve


def prepare():
    import torch
    from transformers import CLIPVisionModelWithProjection

    torch.set_num_threads(given["threads"])
    model = CLIPVisionModelWithProjection.from_pretrained(given["model"]).float().eval()
    batch, side = given["batch"], given["side"]
    pixels = torch.frombuffer(floats(given["input"], batch * 3 * side * side), dtype=torch.float32)
    pixels = pixels.reshape(batch, 3, side, side)

    def run():
        with torch.inference_mode():
            return model(pixel_values=pixels).image_embeds

    return run


serve({name: version(name) for name in ("torch", "transformers")}, prepare, lambda embeddings: embeddings.numpy().tobytes())
