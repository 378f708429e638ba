"""Writes the image tower of a model folder as ONNX, as it is usually exported for the Hugging Face hub.

Arguments: a model folder, a folder to write. Written: `onnx/vision_model.onnx` with its weights inside, `config.json` and
`preprocessor_config.json`, which is the layout that transformers.js reads.
"""

import os
import shutil
import sys

import torch
from transformers import CLIPVisionModelWithProjection

model_folder, output = sys.argv[1:]
model = CLIPVisionModelWithProjection.from_pretrained(model_folder).float().eval()


class Embedding(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return self.model(pixel_values=pixel_values).image_embeds


os.makedirs(os.path.join(output, "onnx"), exist_ok=True)
side = model.config.image_size
free = {0: "batch"}
torch.onnx.export(
    Embedding(),
    (torch.zeros(2, 3, side, side),),
    os.path.join(output, "onnx", "vision_model.onnx"),
    opset_version=17,
    input_names=["pixel_values"],
    output_names=["image_embeds"],
    dynamic_axes={"pixel_values": free, "image_embeds": free},
    dynamo=False,
)
for name in ("config.json", "preprocessor_config.json"):
    shutil.copy(os.path.join(model_folder, name), output)
