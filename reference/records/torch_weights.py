"""Weight files of PyTorch, NumPy and safetensors with what those libraries say is in them.

    python reference/records/torch_weights.py test/fixtures/weights

Writes small files and `torch.json`: versions, and per file the names (nested keys and list indices joined), shapes,
types and SHA-256 (C order, little endian) of every array. torch 2.13.0, numpy 2.4.6, safetensors 0.8.0.
"""

import argparse
import collections
import hashlib
import json
import pathlib
import pickle
import sys

import numpy as np
import safetensors
import safetensors.torch
import torch


def raw(value):
    """(numpy type name, shape, little-endian C-order bytes) of a tensor or array."""
    if isinstance(value, torch.Tensor):
        tensor = value.detach().contiguous()
        name = str(tensor.dtype).removeprefix("torch.")
        flat = tensor.reshape(-1)
        return name, list(tensor.shape), bytes(flat.view(torch.uint8).numpy().tobytes()) if flat.numel() else b""
    array = np.ascontiguousarray(value).reshape(value.shape)
    return array.dtype.name, list(array.shape), array.astype(array.dtype.newbyteorder("<")).tobytes()


def walk(value, path, separator, out):
    if isinstance(value, (torch.Tensor, np.ndarray)):
        name, shape, data = raw(value)
        out.append({"name": separator.join(path), "shape": shape, "dtype": name, "sha256": hashlib.sha256(data).hexdigest()})
    elif isinstance(value, collections.abc.Mapping):
        for key, item in value.items():
            walk(item, [*path, str(key)], separator, out)
    elif isinstance(value, (list, tuple)):
        for k, item in enumerate(value):
            walk(item, [*path, str(k)], separator, out)
    elif isinstance(value, argparse.Namespace):
        walk(vars(value), path, separator, out)
    return out


def tensors():
    torch.manual_seed(1)
    base = torch.randn(4, 6, dtype=torch.float64)
    return {
        "f64": base,
        "transposed": base.t(),
        "sliced": base[1:3, ::2],
        "row": base[2],
        "expanded": torch.arange(3.0).reshape(3, 1).expand(3, 5),
        "scalar": torch.tensor(2.5),
        "empty": torch.zeros(0, 3),
        "parameter": torch.nn.Parameter(torch.randn(2, 2)),
        "f16": torch.randn(5).half(),
        "bf16": torch.randn(5).bfloat16(),
        "i64": torch.arange(-3, 3),
        "i32": torch.arange(4, dtype=torch.int32),
        "i16": torch.arange(4, dtype=torch.int16),
        "i8": torch.arange(-4, 4, dtype=torch.int8),
        "u8": torch.arange(9, dtype=torch.uint8),
        "flags": torch.tensor([True, False, True]),
        "c64": torch.randn(3, dtype=torch.complex64),
    }


def checkpoint():
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 1))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(5, 3)).sum().backward()
    optimizer.step()
    return {
        "epoch": 3,
        "state_dict": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "tensors": tensors(),
        "list": [torch.ones(2), {"deep": (torch.zeros(1), "text", None)}],
        "array": np.arange(6, dtype=np.float32).reshape(2, 3).T,
        "best": np.float64(0.5),
        "__proto__": {"constructor": torch.ones(1)},
        "args": argparse.Namespace(lr=1e-3, weights=torch.full((2,), 7.0)),
        "path": pathlib.PurePosixPath("runs/1"),
        "dtype": torch.float32,
        "device": torch.device("cpu"),
    }


class Scripted(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList([torch.nn.Linear(2, 3), torch.nn.Linear(3, 1)])
        self.register_buffer("shift", torch.tensor([1.0, 2.0], dtype=torch.float64))

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        return x + self.shift.sum()


def arrays():
    rng = np.random.default_rng(2)
    return {
        "layer": {"w": rng.normal(size=(3, 4)), "b": np.asfortranarray(rng.normal(size=(4, 2)).astype(np.float32))},
        "big": rng.normal(size=5).astype(">f8"),
        "half": rng.normal(size=3).astype(np.float16),
        "list": [np.arange(3), np.array(4, dtype=np.uint16), np.zeros((0, 2), dtype=np.int8)],
        "flags": np.array([True, False]),
        "complex": np.array([1 + 2j, 3]),
        "scalar": np.float32(1.5),
        "steps": 7,
    }


def main(folder):
    report = {}

    def describe(name, value, separator="."):
        report[name] = walk(value, [], separator, [])

    torch.manual_seed(0)
    value = checkpoint()
    for name, options in (("zip.pt", {}), ("legacy.pt", {"_use_new_zipfile_serialization": False})):
        torch.save(value, folder / name, **options)
        describe(name, value)
    wide = {"f8": torch.randn(4).to(torch.float8_e4m3fn), "u16": torch.tensor([1, 2, 65535], dtype=torch.uint16), "u64": torch.tensor([2**63], dtype=torch.uint64)}
    torch.save(wide, folder / "wide.pt")
    describe("wide.pt", wide)
    model = Scripted()
    torch.jit.script(model).save(folder / "script.pt")
    describe("script.pt", torch.jit.load(folder / "script.pt").state_dict())
    for protocol in (2, 4, 5):
        with open(folder / f"plain{protocol}.pkl", "wb") as file:
            pickle.dump(tensors(), file, protocol=protocol)
        describe(f"plain{protocol}.pkl", tensors())
    for protocol in range(6):
        with open(folder / f"numpy{protocol}.pkl", "wb") as file:
            pickle.dump(arrays(), file, protocol=protocol)
        describe(f"numpy{protocol}.pkl", arrays(), "/")
    flat = {"a/w": arrays()["layer"]["w"], "b": arrays()["layer"]["b"], "big": arrays()["big"], "n": np.array(3)}
    np.savez(folder / "plain.npz", **flat)
    describe("plain.npz", flat)
    np.savez_compressed(folder / "packed.npz", **flat)
    describe("packed.npz", flat)
    safe = {name: tensor.detach().contiguous() for name, tensor in tensors().items() if name not in ("c64", "expanded", "row")}
    safetensors.torch.save_file(safe, folder / "model.safetensors", metadata={"a": "b"})
    describe("model.safetensors", safe)
    versions = {"torch": torch.__version__, "numpy": np.__version__, "safetensors": safetensors.__version__}
    command = "python reference/records/torch_weights.py test/fixtures/weights"
    (folder / "torch.json").write_text(json.dumps({"command": command, "versions": versions, "files": report}, indent=1) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
