"""What Python's libraries need to read a file: ASE, NumPy, python-lmdb with PyTorch Geometric.

    python bench/peers/read_files.py extxyz | npy | npy-mapped | ocp | index

Request: {"path": "...", "repeats": 1}; the answer is {"ms", "cpuMs", "count"} of reading the file once: atoms, numbers, records.
"""

import os
import sys

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

from importlib.metadata import version  # noqa: E402

from lines import allocator, serve, timed  # noqa: E402


def extxyz(path: str) -> int:
    return sum(len(atoms) for atoms in ase.io.read(path, index=":"))


def npy(path: str) -> int:
    return np.load(path).size


def npy_mapped(path: str) -> int:
    array = np.load(path, mmap_mode="c")
    array.ravel()[::512].sum()
    return array.size


def ocp(path: str) -> int:
    env = lmdb.open(path, subdir=False, readonly=True, lock=False, readahead=False, meminit=False, max_readers=1)
    with env.begin() as transaction:
        count = sum(
            int(pickle.loads(transaction.get(str(k).encode())).__dict__["natoms"]) for k in range(env.stat()["entries"])
        )
    env.close()
    return count


def index(path: str) -> int:
    env = lmdb.open(path, subdir=False, readonly=True, lock=False, readahead=False, meminit=False, max_readers=1)
    with env.begin() as transaction:
        count = env.stat()["entries"]
        for k in range(100):
            transaction.get(str(k * count // 100).encode())
    env.close()
    return count


reader = sys.argv[1]
if reader == "extxyz":
    import ase.io

    libraries = ["ase"]
elif reader.startswith("npy"):
    import numpy as np

    libraries = ["numpy"]
else:
    import pickle

    import lmdb

    libraries = ["lmdb"]
    if reader == "ocp":
        import torch
        import torch_geometric.data  # noqa: F401

        torch.set_num_threads(1)
        libraries += ["torch", "torch_geometric"]

read = {"extxyz": extxyz, "npy": npy, "npy-mapped": npy_mapped, "ocp": ocp, "index": index}[reader]


def answer(request: dict) -> dict:
    count = 0

    def work() -> None:
        nonlocal count
        count = read(request["path"])

    return {**timed(work, int(request.get("repeats", 1))), "count": count}


serve({"peer": libraries[-1], "versions": {name: version(name) for name in libraries}, "threads": 1, "allocator": allocator()}, answer)
