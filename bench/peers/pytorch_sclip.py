"""SCLIP's evaluation in plain PyTorch, from image files to counts of pairs of classes.

Sizes, windows, attention, thresholds and order of steps are those of the paper's code; windows go as one batch.
"""

from importlib.metadata import version

from protocol import floats, given, serve


def prepare():
    import numpy as np
    import torch
    from PIL import Image
    from torch.nn.functional import interpolate, normalize, one_hot
    from transformers import CLIPVisionModelWithProjection

    try:
        import cv2
    except ImportError:
        cv2 = None

    torch.set_num_threads(given["threads"])
    torch.set_grad_enabled(False)
    model = CLIPVisionModelWithProjection.from_pretrained(given["model"]).float().eval()
    vision, project, config = model.vision_model, model.visual_projection, model.config
    protocol, classes = given["protocol"], given["classes"]
    side, stride = protocol["window"], protocol["stride"]
    class_of_query = torch.tensor(given["classOfQuery"])
    texts = torch.frombuffer(floats(given["texts"], len(class_of_query) * given["embedding"]), dtype=torch.float32)
    texts = texts.reshape(len(class_of_query), -1)
    mean, std = (torch.tensor(given["pixels"][key]).reshape(3, 1, 1) for key in ("mean", "std"))

    def taps(old, new):
        """Places and weights of OpenCV's bilinear resize, in units of 1 / 2048."""
        position = np.float32((np.arange(new) + 0.5) * (old / new) - 0.5)
        low = np.floor(position).astype(int)
        high = np.rint((position - low) * 2048).astype(np.int32)
        return low.clip(0, old - 1), (low + 1).clip(0, old - 1), 2048 - high, high

    def resized(image):
        """The photo at the working size, bit for bit as OpenCV's."""
        width, height = image.size
        factor = min(protocol["longSide"] / max(width, height), protocol["shortSide"] / min(width, height))
        across, down = (int(side * factor + 0.5) for side in (width, height))
        x = np.array(image)
        if cv2:
            x = cv2.resize(x, (across, down), interpolation=cv2.INTER_LINEAR)
        else:
            left, right, of_left, of_right = taps(width, across)
            x = (x[:, left] * of_left[:, None] + x[:, right] * of_right[:, None]) >> 4
            upper, lower, of_upper, of_lower = (part.reshape(-1, 1, 1) for part in taps(height, down))
            x = ((x[upper.ravel()] * of_upper >> 16) + (x[lower.ravel()] * of_lower >> 16) + 2) >> 2
        return torch.from_numpy(x).permute(2, 0, 1).float()

    def correlative(attention, x):
        """Self-attention among queries and among keys, added up."""
        batch, tokens, width = x.shape
        heads = config.num_attention_heads
        split = lambda y: y.reshape(batch, tokens, heads, -1).transpose(1, 2)
        q, k, v = (split(map_(x)) for map_ in (attention.q_proj, attention.k_proj, attention.v_proj))
        pattern = sum(torch.softmax(y @ y.transpose(2, 3) * (width // heads) ** -0.5, -1) for y in (q, k))
        return attention.out_proj((pattern @ v).transpose(1, 2).reshape(batch, tokens, width))

    def patches(windows):
        """Unit-length projections of all patches."""
        x = vision.pre_layrnorm(vision.embeddings(windows))
        *layers, last = vision.encoder.layers
        for layer in layers:
            x = layer(x, None)
            x = x if torch.is_tensor(x) else x[0]
        x = x + correlative(last.self_attn, last.layer_norm1(x))
        x = x + last.mlp(last.layer_norm2(x))
        return normalize(project(vision.post_layernorm(x))[:, 1:], dim=-1)

    def starts(length):
        count = max(length - side + stride - 1, 0) // stride + 1
        return [max(min(i * stride + side, length) - side, 0) for i in range(count)]

    def logits_of(pixels, output_size):
        height, width = pixels.shape[1:]
        places = [(y, x) for y in starts(height) for x in starts(width)]
        windows = torch.stack([pixels[:, y : y + side, x : x + side] for y, x in places])
        cosines = patches(windows) @ texts.T
        rows, columns = (size // config.patch_size for size in windows.shape[2:])
        cosines = cosines.transpose(1, 2).reshape(len(places), -1, rows, columns)
        upsampled = interpolate(cosines, windows.shape[2:], mode="bilinear")
        total, covering = torch.zeros(len(texts), height, width), torch.zeros(height, width)
        for one, (y, x) in zip(upsampled, places):
            total[:, y : y + side, x : x + side] += one
            covering[y : y + side, x : x + side] += 1
        return interpolate((total / covering)[None], output_size, mode="bilinear")[0]

    def labelled(logits):
        probabilities = torch.softmax(logits * protocol["scale"], 0)
        if len(class_of_query) > classes:
            best = torch.zeros(classes, *logits.shape[1:])
            index = class_of_query[:, None, None].expand_as(probabilities)
            probabilities = best.scatter_reduce(0, index, probabilities, "amax")
        if protocol["areaThreshold"] > 0:
            areas = one_hot(probabilities.argmax(0), classes)[..., 1:].sum((0, 1))
            probabilities[1:] *= (areas > protocol["areaThreshold"] * areas.sum())[:, None, None]
        most, labels = probabilities.max(0)
        labels[most < protocol["probThreshold"]] = 0
        return labels

    def run():
        counts, maps = torch.zeros(classes * classes), []
        for files in given["images"]:
            image = Image.open(files["image"]).convert("RGB")
            truth = torch.from_numpy(np.array(Image.open(files["labels"]))).long()
            labels = labelled(logits_of((resized(image) - mean) / std, truth.shape))
            valid = truth != 255
            counts += torch.bincount(truth[valid] * classes + labels[valid], minlength=classes * classes)
            maps.append(labels.flatten())
        return torch.cat([*maps, counts]).float()

    return run


serve({name: version(name) for name in ("torch", "transformers", "Pillow")}, prepare, lambda values: values.numpy().tobytes())
