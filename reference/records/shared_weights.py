"""What torch, h5py, PyYAML and TensorFlow say is in the weight files of the shared data.

    python reference/records/shared_weights.py DATA test/fixtures/weights/shared.json

DATA is the folder of the shared data. Only names, shapes, types and SHA-256 are written. With TensorFlow in the
environment the graphs too (run it in both environments; the second run adds to the file).
"""

import hashlib
import json
import pathlib
import sys

import numpy as np


def entry(name, array):
    if array.dtype.kind in "OSU":
        return {"name": name, "shape": list(array.shape), "dtype": "string"}
    data = np.ascontiguousarray(array).tobytes()
    return {"name": name, "shape": list(array.shape), "dtype": array.dtype.name, "sha256": hashlib.sha256(data).hexdigest()}


def tree(value, path, out, dataset, inside=False):
    if isinstance(value, dict) and value.get("@class") == "np.ndarray":
        out.append(entry(".".join(path), np.asarray(value["value"], dtype=value["dtype"])))
    elif isinstance(value, dict):
        for key, item in value.items():
            tree(item, path if key == "@variables" else [*path, key], out, dataset, inside or key == "@variables")
    elif isinstance(value, list):
        for k, item in enumerate(value):
            tree(item, [*path, str(k)], out, dataset, inside)
    elif inside and isinstance(value, str):
        out.append(entry(".".join(path), np.asarray(dataset(value))))
    return out


def by_torch(data, report):
    import h5py
    import torch
    import yaml

    state = torch.load(data / "dpa1.pth", map_location="cpu", weights_only=True)
    report["dpa1.pth"] = [entry(key, value.numpy()) for key, value in state.items()]
    state = torch.load(data / "dpa2_tebd.pth", map_location="cpu", weights_only=True)
    report["dpa2_tebd.pth"] = [entry(key, value.numpy()) for key, value in state.items()]
    state = torch.jit.load(data / "deeppot_sea.pth", map_location="cpu").state_dict()
    report["deeppot_sea.pth"] = [entry(key, value.numpy()) for key, value in state.items()]
    for name in ("deeppot_sea.yaml", "deeppot-r.yaml"):
        report[name] = tree(yaml.load((data / name).read_text(), yaml.CSafeLoader), [], [], None)
    with h5py.File(data / "deeppot.dp") as file:
        report["deeppot.dp"] = tree(json.loads(file.attrs["json"]), [], [], lambda key: file[key][()])


def by_tensorflow(data, report):
    import tensorflow as tf
    from google.protobuf import text_format

    for name in ("cu_graph.000.pb", "deeppot.pbtxt", "frozen-tf/models/water-dpa1.pb", "frozen-tf/models/water-se_e2_a.pb"):
        graph = tf.compat.v1.GraphDef()
        content = (data / name).read_bytes()
        text_format.Parse(content, graph) if name.endswith("txt") else graph.ParseFromString(content)
        nodes = [node for node in graph.node if node.op == "Const"]
        every = [entry(node.name, tf.make_ndarray(node.attr["value"].tensor)) for node in nodes]
        # Thousands of constants of gradients would make the file large: one hash over all of them stands for them.
        lines = sorted(json.dumps([e["name"], e["shape"], e["dtype"], e.get("sha256")], separators=(",", ":"), ensure_ascii=False) for e in every)
        report[name] = {"constants": len(every), "sha256": hashlib.sha256("\n".join(lines).encode()).hexdigest()}


def main(data, target):
    report = json.loads(target.read_text()) if target.exists() else {}
    for part in (by_torch, by_tensorflow):
        try:
            part(data / "weights-deepmd", report)
        except ModuleNotFoundError as error:
            print(f"left out: {error}")
    target.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]))
