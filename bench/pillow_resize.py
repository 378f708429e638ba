"""The other side of resize.ts: loads the same pixels into Pillow and times one resize for each line on standard input.

Arguments: a file of RGB bytes, width, height. Each line is `FILTER WIDTH HEIGHT OUTPUT`, where OUTPUT is `-` or a file
for the resulting bytes. Each answer is the time in milliseconds.
"""

import sys
import time

import PIL
from PIL import Image

path, width, height = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
with open(path, "rb") as file:
    image = Image.frombytes("RGB", (width, height), file.read())
print(f"Pillow {PIL.__version__}, Python {sys.version.split()[0]}", flush=True)

for line in sys.stdin:
    name, to_width, to_height, output = line.split()
    start = time.perf_counter()
    resized = image.resize((int(to_width), int(to_height)), Image.Resampling[name.upper()])
    milliseconds = (time.perf_counter() - start) * 1000
    if output != "-":
        with open(output, "wb") as file:
            file.write(resized.tobytes())
    print(milliseconds, flush=True)
