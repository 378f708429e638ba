"""SCLIP's published code (github.com/wangf3014/SCLIP) with MMSegmentation, from image files to its metric's areas.

`checkout` is a folder with that repository. It needs torch, mmcv, mmengine and mmsegmentation as its README says.
"""

import os
import sys
import tempfile
from importlib.metadata import version

from protocol import floats, given, serve


def prepare():
    os.chdir(given["checkout"])
    sys.path.insert(0, given["checkout"])
    import torch
    import mmseg.datasets  # registers the steps of the pipeline
    from clip_segmentor import CLIPForSegmentation
    from mmengine.dataset import Compose
    from mmseg.evaluation import IoUMetric
    from safetensors.torch import load_file

    torch.set_num_threads(given["threads"])
    torch.set_grad_enabled(False)
    protocol, classes = given["protocol"], given["classes"]
    with tempfile.TemporaryDirectory() as folder:
        weights, names = (os.path.join(folder, name) for name in ("weights.pt", "names.txt"))
        torch.save(load_file(given["weights"]), weights)
        with open(names, "w") as file:
            file.write("background")
        model = CLIPForSegmentation(
            weights,
            names,
            device=torch.device("cpu"),
            prob_thd=protocol["probThreshold"],
            area_thd=protocol["areaThreshold"],
            logit_scale=protocol["scale"],
            slide_stride=protocol["stride"],
            slide_crop=protocol["window"],
        ).eval()
    # Thousands of prompts would take minutes at each start: they come encoded.
    model.query_idx = torch.tensor(given["classOfQuery"])
    model.num_queries, model.num_classes = len(model.query_idx), classes
    texts = torch.frombuffer(floats(given["texts"], model.num_queries * given["embedding"]), dtype=torch.float32)
    model.query_features = texts.reshape(model.num_queries, -1)
    pipeline = Compose(
        [
            {"type": "LoadImageFromFile"},
            {"type": "Resize", "scale": (protocol["longSide"], protocol["shortSide"]), "keep_ratio": True},
            {"type": "LoadAnnotations"},
            {"type": "PackSegInputs"},
        ]
    )

    def run():
        results = []
        for files in given["images"]:
            item = pipeline(
                {"img_path": files["image"], "seg_map_path": files["labels"], "reduce_zero_label": False, "seg_fields": []}
            )
            (sample,) = model.test_step({"inputs": [item["inputs"]], "data_samples": [item["data_samples"]]})
            labels, truth = (part.data.squeeze() for part in (sample.pred_sem_seg, sample.gt_sem_seg))
            IoUMetric.intersect_and_union(labels, truth, classes, 255)
            results.append((labels, truth))
        return results

    return run


def to_bytes(results):
    """Labels of all pixels, then counts of pairs of classes."""
    import torch

    classes = given["classes"]
    pairs = [truth.long()[truth != 255] * classes + labels[truth != 255] for labels, truth in results]
    counts = torch.bincount(torch.cat(pairs), minlength=classes * classes)
    return torch.cat([*(labels.flatten() for labels, _ in results), counts]).float().numpy().tobytes()


serve({name: version(name) for name in ("torch", "mmsegmentation")}, prepare, to_bytes)
