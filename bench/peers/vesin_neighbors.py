"""vesin's neighbour lists (pairs, shifts, distances, vectors) of periodic structures, one after the other.

    python bench/peers/vesin_neighbors.py

Request: {"rcut": 5.0, "frames": [{"positions": [x, y, z, ...], "cell": [9 numbers]}], "repeats": 1}; the answer is {"ms", "cpuMs", "pairs"}
for all structures once.
"""

import os

os.environ["OMP_NUM_THREADS"] = "1"

from importlib.metadata import version  # noqa: E402

import numpy as np  # noqa: E402
import vesin  # noqa: E402
from lines import allocator, serve, timed  # noqa: E402

frames: list = []


def answer(request: dict) -> dict:
    if not frames:
        frames.extend(
            (np.array(f["positions"]).reshape(-1, 3), np.array(f["cell"]).reshape(3, 3)) for f in request["frames"]
        )
    calculator = vesin.NeighborList(cutoff=request["rcut"], full_list=True)
    pairs = 0

    def work() -> None:
        nonlocal pairs
        pairs = sum(
            len(calculator.compute(points=points, box=box, periodic=True, quantities="ijSDd")[0])
            for points, box in frames
        )

    return {**timed(work, int(request.get("repeats", 1))), "pairs": pairs}


serve({"peer": "vesin", "versions": {"vesin": version("vesin")}, "threads": 1, "allocator": allocator()}, answer)
