"""What fairchem's own data set class finds in LMDB files of OCP records that this package wrote.

    ATOMGRAD_WRITTEN=build/written npm test test/formats/fairchem.test.ts
    python reference/records/open_with_fairchem.py build/written test/fixtures/records/fairchem.json

fairchem-core 1.10.0 is the last line of versions with `LmdbDataset`. It imports torch_scatter, which needs a compiler and which
reading does not use: PyTorch Geometric's scatter stands in for it where it is missing. Records versions, the SHA-256 of every
file, and per record the attributes (type, shape, SHA-256 of C-order little-endian bytes; plain values as they are), and
what a batch of fairchem's collater holds.
"""

import hashlib
import json
import sys
import types
from importlib.metadata import version
from pathlib import Path

import torch

try:
    import torch_scatter  # noqa: F401
except ImportError:
    from torch_geometric.utils import scatter, segment

    stand_in = types.ModuleType("torch_scatter")
    stand_in.scatter, stand_in.segment_csr, stand_in.segment_coo = scatter, segment, None
    sys.modules["torch_scatter"] = stand_in

from fairchem.core.datasets.lmdb_dataset import LmdbDataset, data_list_collater


def describe(value):
    if isinstance(value, torch.Tensor):
        data = value.contiguous().numpy()
        return {"dtype": data.dtype.name, "shape": list(data.shape), "sha256": hashlib.sha256(data.tobytes()).hexdigest()}
    return {"type": type(value).__name__, "value": value}


def open_set(path: Path) -> dict:
    dataset = LmdbDataset({"src": str(path)})
    records = [dataset[k] for k in range(len(dataset))]
    batch = data_list_collater(records, otf_graph=True)
    files = [path] if path.is_file() else sorted(path.glob("*.lmdb"))
    return {
        "sha256": [hashlib.sha256(file.read_bytes()).hexdigest() for file in files],
        "records": [{key: describe(value) for key, value in record.to_dict().items()} for record in records],
        "batch": {"pos": list(batch.pos.shape), "cell": list(batch.cell.shape), "natoms": batch.natoms.tolist()},
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    libraries = ["fairchem-core", "torch", "torch_geometric", "lmdb", "numpy"]
    report = {
        "command": "python reference/records/open_with_fairchem.py build/written test/fixtures/records/fairchem.json",
        "versions": {name: version(name) for name in libraries},
        "sets": {name: open_set(folder / name) for name in ["oc20.lmdb", "crystals.lmdb", "folder"]},
    }
    Path(sys.argv[2]).write_text(json.dumps(report, separators=(",", ":")) + "\n")
