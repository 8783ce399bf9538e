"""PyTorch (and NumPy with OpenBLAS) on single operations, one measurement per request.

    python bench/peers/torch_ops.py [--threads 1]

Requests, all with "dtype" ("f32" or "f64") and "repeats"; the answer is {"ms", "cpuMs"} of one call:
  {"op": "matmul", "shape": [m, k, n], "batch": b, "transA": false, "transB": false, "backend": "torch" | "numpy"}
  {"op": "add", "shape": [...], "grad": false, "calls": 1}   that many additions; with "grad" their results hang on the tape
  {"op": "index_add", "rows": e, "columns": f, "segments": s}     out[s] += x[e] over sorted segments of random length
  {"op": "gather_multiply", ...}    out[target e] += x[source e] * w[e], then the gradients of sum(out^2) for x and w
NumPy from PyPI ships OpenBLAS; its thread count follows --threads. Operands are made once per request kind and kept.
"""

import argparse
import functools
import os

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--threads", type=int, default=1)
options = arguments.parse_args()
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = str(options.threads)

import numpy as np  # noqa: E402
import torch  # noqa: E402
from lines import allocator, serve, timed  # noqa: E402

torch.set_num_threads(options.threads)
NUMPY = {"f32": np.float32, "f64": np.float64}


@functools.lru_cache(maxsize=16)
def array(dtype: str, *shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(NUMPY[dtype])


def matmul(request: dict):
    (m, k, n), batch, dtype = request["shape"], request.get("batch", 1), request["dtype"]
    lead = () if batch == 1 else (batch,)
    a = array(dtype, *lead, *((k, m) if request.get("transA") else (m, k)))
    # Another array even where the shapes agree: NumPy computes half of a product with its own transpose.
    b = array(dtype, *lead, *((n, k) if request.get("transB") else (k, n)), seed=2)
    a = a.swapaxes(-1, -2) if request.get("transA") else a
    b = b.swapaxes(-1, -2) if request.get("transB") else b
    if request.get("backend", "torch") == "numpy":
        out = np.empty((*lead, m, n), dtype=NUMPY[dtype])
        return lambda: np.matmul(a, b, out=out)
    ta, tb = torch.from_numpy(a), torch.from_numpy(b)
    out = torch.empty((*lead, m, n), dtype=ta.dtype)
    return lambda: torch.matmul(ta, tb, out=out)


def add(request: dict):
    x = torch.from_numpy(array(request["dtype"], *request["shape"])).clone()
    y = torch.ones_like(x)
    x.requires_grad_(bool(request.get("grad")))
    calls = range(int(request.get("calls", 1)))

    def work() -> None:
        for _ in calls:
            torch.add(x, y)

    return work


def index_add(request: dict):
    rows, columns, segments = request["rows"], request["columns"], request["segments"]
    x = torch.from_numpy(array(request["dtype"], rows, columns))
    index = torch.from_numpy(np.sort(np.random.default_rng(2).integers(0, segments, rows)))
    out = torch.zeros((segments, columns), dtype=x.dtype)
    return lambda: out.zero_().index_add_(0, index, x)


def gather_multiply(request: dict):
    rows, columns, segments = request["rows"], request["columns"], request["segments"]
    x = torch.from_numpy(array(request["dtype"], segments, columns)).clone().requires_grad_()
    w = torch.from_numpy(array(request["dtype"], rows, columns)).clone().requires_grad_()
    target = torch.from_numpy(np.sort(np.random.default_rng(2).integers(0, segments, rows)))
    source = torch.from_numpy(np.random.default_rng(3).integers(0, segments, rows))

    def work() -> None:
        out = torch.zeros_like(x).index_add(0, target, x[source] * w)
        torch.autograd.grad((out * out).sum(), [x, w])

    return work


OPS = {"matmul": matmul, "add": add, "index_add": index_add, "gather_multiply": gather_multiply}


def answer(request: dict) -> dict:
    if request.get("op") not in OPS:
        raise ValueError(f"op is one of {', '.join(OPS)}, not {request.get('op')!r}")
    work = OPS[request["op"]](request)
    work()
    return timed(work, int(request.get("repeats", 1)))


blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
serve(
    {
        "peer": "torch",
        "versions": {"torch": torch.__version__, "numpy": np.__version__, "openblas": f"{blas['version']} (numpy {np.__version__})"},
        "threads": torch.get_num_threads(),
        "allocator": allocator(),
    },
    answer,
)
