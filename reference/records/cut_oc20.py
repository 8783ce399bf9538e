"""Cuts the shipped excerpt out of a real OC20 IS2RE file, and says what PyTorch finds in it.

    python reference/records/cut_oc20.py SOURCE.lmdb examples/data/oc20/is2re.lmdb test/fixtures/records/oc20.json

The values are copied byte for byte (pickles of PyTorch Geometric before 2.0, protocol 4); only the container is new
(liblmdb 0.9, one file, keys 0 to 3, no key `length`, as OC20 has it). lmdb 3.0.0, torch 2.13.0, torch_geometric 2.8.1.
"""

import hashlib
import json
import pathlib
import pickle
import sys

import lmdb
import torch
import torch_geometric

SYSTEMS = [1323130, 1428423, 938558, 578093]


def describe(value):
    if isinstance(value, torch.Tensor):
        data = value.contiguous().numpy()
        return {"dtype": data.dtype.name, "shape": list(data.shape), "sha256": hashlib.sha256(data.tobytes()).hexdigest()}
    return {"type": type(value).__name__, "value": value}


def main(source, target, fixture):
    target.unlink(missing_ok=True)
    with lmdb.open(str(source), subdir=False, readonly=True, lock=False) as old, old.begin() as reading:
        values = {pickle.loads(value).__dict__["sid"]: value for _, value in reading.cursor()}
    env = lmdb.open(str(target), subdir=False, map_size=1 << 22, lock=False, meminit=False, sync=False)
    with env.begin(write=True) as writing:
        for k, sid in enumerate(SYSTEMS):
            writing.put(str(k).encode(), values[sid])
    env.close()
    # Old objects keep their attributes in __dict__; the accessors of the new class do not find them there.
    records = [{key: describe(value) for key, value in pickle.loads(values[sid]).__dict__.items()} for sid in SYSTEMS]
    versions = {"lmdb": lmdb.__version__, "torch": torch.__version__, "torch_geometric": torch_geometric.__version__}
    command = "python reference/records/cut_oc20.py SOURCE.lmdb examples/data/oc20/is2re.lmdb test/fixtures/records/oc20.json"
    fixture.write_text(json.dumps({"command": command, "versions": versions, "records": records}, indent=1) + "\n")


if __name__ == "__main__":
    main(*map(pathlib.Path, sys.argv[1:]))
