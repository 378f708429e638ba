"""The other end of src/bench/lane.ts, for peers in Python."""

import array
import json
import resource
import sys
import time

given = json.loads(sys.argv[1])


def floats(path, count):
    """The first `count` float32 values of a file."""
    values = array.array("f")
    with open(path, "rb") as file:
        values.fromfile(file, count)
    return values


def serve(about, prepare, to_bytes=bytes):
    """Answers requests with runs of what `prepare` gives; `to_bytes` makes float32 of a result, outside the time.

    With `fresh` among what was given, a run prepares too.
    """
    work = (lambda: prepare()()) if given.get("fresh") else prepare()
    say({"about": {"python": sys.version.split()[0], **about}})
    for line in sys.stdin:
        output = json.loads(line)["output"]
        wall, cpu = time.perf_counter(), time.process_time()
        result = work()
        took = {"cpu": (time.process_time() - cpu) * 1000, "wall": (time.perf_counter() - wall) * 1000}
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        total = time.process_time() * 1000
        if output is not None:
            with open(output, "wb") as file:
                file.write(to_bytes(result))
        say({**took, "total": total, "peak": peak})


def say(value):
    print(json.dumps(value), flush=True)
