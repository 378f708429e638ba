"""The other side of parity.ts: runs transformers' CLIP on given pixels and ids, in float32 and in float64.

Arguments: a model folder, a safetensors file with `pixels` and `input_ids`, a safetensors file to write. Written for
each precision: embeddings (unit length and before), and every token of the last block of each tower.
"""

import sys

import safetensors.torch
import torch
import transformers
from transformers import CLIPModel

model_folder, inputs_file, output_file = sys.argv[1:]
transformers.logging.disable_progress_bar()
inputs = safetensors.torch.load_file(inputs_file)
model, loading = CLIPModel.from_pretrained(model_folder, attn_implementation="eager", output_loading_info=True)
problems = {kind: names for kind, names in loading.items() if names}
if problems:
    sys.exit(f"the checkpoint does not fit: {problems}")
model.eval()

results = {}
for name, dtype in (("float32", torch.float32), ("float64", torch.float64)):
    model.to(dtype)
    with torch.inference_mode():
        vision = model.vision_model(pixel_values=inputs["pixels"].to(dtype))
        text = model.text_model(input_ids=inputs["input_ids"])
        image_pooled = model.visual_projection(vision.pooler_output)
        text_pooled = model.text_projection(text.pooler_output)
    for key, value in {
        "image_pooled": image_pooled,
        "image_embeds": image_pooled / image_pooled.norm(dim=-1, keepdim=True),
        "image_last_hidden_state": vision.last_hidden_state,
        "text_pooled": text_pooled,
        "text_embeds": text_pooled / text_pooled.norm(dim=-1, keepdim=True),
        "text_last_hidden_state": text.last_hidden_state,
    }.items():
        results[f"{name}.{key}"] = value.to(torch.float64).contiguous()

safetensors.torch.save_file(results, output_file)
print(f"transformers {transformers.__version__}, torch {torch.__version__}, Python {sys.version.split()[0]}")
