"""What python-lmdb, PyTorch and PyTorch Geometric find in LMDB files of OCP records.

    python reference/records/read_ocp.py FILE.lmdb [FILE.lmdb ...]

Prints one JSON object a file: the versions, the number of entries, and per record the attributes (type, shape, SHA-256
of C-order little-endian bytes; plain values as they are). Each record is also collated, copied and cut again, as
training programs do. lmdb 3.0.0, torch 2.13.0, torch_geometric 2.8.1.
"""

import hashlib
import json
import pickle
import sys

import lmdb
import torch
import torch_geometric
from torch_geometric.data import Batch


def describe(value):
    if isinstance(value, torch.Tensor):
        data = value.contiguous().numpy()
        return {"dtype": data.dtype.name, "shape": list(data.shape), "sha256": hashlib.sha256(data.tobytes()).hexdigest()}
    return {"type": type(value).__name__, "value": value}


def read(path):
    env = lmdb.open(path, subdir=False, readonly=True, lock=False, readahead=False, meminit=False, max_readers=1)
    with env.begin() as transaction:
        length = transaction.get(b"length")
        count = pickle.loads(length) if length is not None else env.stat()["entries"]
        cursor = [key.decode() for key, _ in transaction.cursor()]
        records = [pickle.loads(transaction.get(str(k).encode())) for k in range(count)]
    assert len(cursor) == env.stat()["entries"] and cursor == sorted(cursor)
    env.close()
    fields = [{key: describe(value) for key, value in record.to_dict().items()} for record in records]
    for record in records:
        assert record.num_nodes == record.natoms, "num_nodes"
        assert record.clone().to("cpu").pos.shape == record.pos.shape
    if records and all(set(record.keys()) == set(records[0].keys()) for record in records):
        batch = Batch.from_data_list(records)
        assert batch.pos.shape[0] == sum(int(record.natoms) for record in records)
        assert torch.equal(batch.get_example(0).pos, records[0].pos)
    versions = {"lmdb": lmdb.__version__, "torch": torch.__version__, "torch_geometric": torch_geometric.__version__}
    return {"versions": versions, "liblmdb": list(lmdb.version()), "entries": len(cursor), "records": fields}


if __name__ == "__main__":
    for path in sys.argv[1:]:
        print(json.dumps(read(path)))
