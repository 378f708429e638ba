"""unpackWheel.py WHEEL FOLDER: TensorFlow's C library to FOLDER/lib and the headers of its C interface to FOLDER/include."""
import os
import shutil
import sys
import zipfile

wheel, folder = sys.argv[1:]
headers = tuple("tensorflow/include/" + part for part in ("tensorflow/c/", "tensorflow/core/platform/", "tsl/c/", "tsl/platform/"))

with zipfile.ZipFile(wheel) as archive:
    for member in archive.infolist():
        name = member.filename
        if name in ("tensorflow/libtensorflow_cc.so.2", "tensorflow/libtensorflow_framework.so.2"):
            target = os.path.join(folder, "lib", os.path.basename(name))
        elif name.startswith(headers) and name.endswith(".h"):
            target = os.path.join(folder, "include", name[len("tensorflow/include/"):])
        else:
            continue
        os.makedirs(os.path.dirname(target), exist_ok=True)
        with archive.open(member) as source, open(target, "wb") as out:
            shutil.copyfileobj(source, out, 1 << 20)
