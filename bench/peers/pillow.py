"""Pillow's resize of RGB bytes."""

import array

import PIL
from PIL import Image
from protocol import given, serve


def prepare():
    with open(given["file"], "rb") as file:
        image = Image.frombytes("RGB", tuple(given["from"]), file.read())
    size, resampling = tuple(given["to"]), Image.Resampling[given["filter"].upper()]
    return lambda: image.resize(size, resampling)


serve({"Pillow": PIL.__version__}, prepare, lambda resized: array.array("f", list(resized.tobytes())).tobytes())
