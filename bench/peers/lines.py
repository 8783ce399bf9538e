"""The protocol of the peers: one JSON object per line in, one per line out, so that a benchmark can interleave them with its own runs.

The first line out is {"ready": ...}; {"quit": true} or the end of input ends the process; a failed request is answered {"error": "..."}.
"""

import json
import os
import sys
import time
from typing import Callable


def serve(ready: dict, answer: Callable[[dict], dict]) -> None:
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what libraries print must not get between the answers
    print(json.dumps({"ready": True, **ready}), file=out)
    for line in sys.stdin:
        if not line.strip():
            continue
        request = json.loads(line)
        if request.get("quit"):
            break
        try:
            reply = answer(request)
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=out)


def timed(work: Callable[[], object], repeats: int = 1) -> dict:
    """Milliseconds of one call, wall clock and processor time of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    for _ in range(repeats):
        work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"ms": wall * 1e3 / repeats, "cpuMs": cpu * 1e3 / repeats}


def allocator() -> str:
    """Whether glibc was told to keep its memory (MALLOC_TRIM_THRESHOLD_ and MALLOC_MMAP_THRESHOLD_ in the environment)."""
    return "tuned" if "MALLOC_TRIM_THRESHOLD_" in os.environ and "MALLOC_MMAP_THRESHOLD_" in os.environ else "as shipped"
