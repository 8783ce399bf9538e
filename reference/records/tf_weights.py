"""Weight files of TensorFlow, Haiku and JAX with what those libraries say is in them.

    python reference/records/tf_weights.py test/fixtures/weights

Writes small files and `tensorflow.json`: versions, and per file the names, shapes, types and SHA-256 (C order, little
endian) of every array; text constants without hash. tensorflow-cpu 2.21.0, dm-haiku 0.0.17, jax (in an environment of
their own: python -m venv ~/tf; ~/tf/bin/pip install tensorflow-cpu==2.21.0 dm-haiku==0.0.17 jax).
"""

import hashlib
import json
import os
import pathlib
import pickle
import sys

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"

import haiku
import jax
import jax.numpy as jnp
import numpy as np
import tensorflow as tf
from google.protobuf import text_format
from haiku._src.data_structures import FlatMapping


def entry(name, array):
    array = np.asarray(array)
    if array.dtype.kind in "OSU":
        return {"name": name, "shape": list(array.shape), "dtype": "string"}
    data = np.ascontiguousarray(array).tobytes()
    return {"name": name, "shape": list(array.shape), "dtype": array.dtype.name, "sha256": hashlib.sha256(data).hexdigest()}


def graph():
    with tf.Graph().as_default() as built:
        tf.constant(np.arange(12.0).reshape(3, 4), name="layer/matrix")
        tf.constant(np.linspace(-1, 1, 5, dtype=np.float32), name="layer/bias")
        tf.constant(2.5, dtype=tf.float64, name="scalar")
        tf.constant(7.0, shape=[2, 3], dtype=tf.float32, name="filled")
        tf.constant([-1, 2, -3], dtype=tf.int32, name="ints")
        tf.constant(-5, dtype=tf.int64, name="long")
        tf.constant([True, False], name="flags")
        tf.constant("O H", name="model_attr/tmap")
        tf.constant([b"\x00\xff'\"\\", "é".encode()], name="texts")
        tf.constant(np.array([1.5, -2], np.float16), name="half")
        tf.constant(1.5, dtype=tf.bfloat16, name="brain")
        tf.constant([1 + 2j], dtype=tf.complex64, name="complex")
        tf.constant([], shape=[0], dtype=tf.float64, name="empty")
        tf.constant([np.nan, np.inf, -np.inf, 1e-300], dtype=tf.float64, name="special")
        tf.constant([255, 0], dtype=tf.uint8, name="bytes")
        tf.add(tf.constant(1.0, name="x"), tf.constant(2.0, name="y"), name="sum")
    return built.as_graph_def()


def one_by_one(definition):
    """The same graph with every number listed by itself, as hand-made and older files have it."""
    for node in definition.node:
        if node.op == "Const" and node.attr["value"].tensor.tensor_content:
            array = tf.make_ndarray(node.attr["value"].tensor)
            tensor = tf.make_tensor_proto(array.tolist(), dtype=node.attr["value"].tensor.dtype, shape=array.shape)
            node.attr["value"].tensor.tensor_content = b""
            field = {1: "float_val", 2: "double_val", 3: "int_val", 4: "int_val", 10: "bool_val"}.get(tensor.dtype)
            if field:
                getattr(node.attr["value"].tensor, field).extend(array.reshape(-1).tolist())
            else:
                node.attr["value"].tensor.CopyFrom(tensor)
    return definition


def constants(definition):
    return [entry(node.name, tf.make_ndarray(node.attr["value"].tensor)) for node in definition.node if node.op == "Const"]


def main(folder):
    report = {}
    definition = graph()
    (folder / "graph.pb").write_bytes(definition.SerializeToString(deterministic=True))
    report["graph.pb"] = constants(definition)
    (folder / "graph.pbtxt").write_text(text_format.MessageToString(definition))
    report["graph.pbtxt"] = constants(definition)
    definition = one_by_one(graph())
    for name, data in (("listed.pb", definition.SerializeToString(deterministic=True)), ("listed.pbtxt", text_format.MessageToString(definition).encode())):
        (folder / name).write_bytes(data)
        report[name] = constants(definition)

    tf.random.set_seed(3)
    layers = [tf.Variable(tf.random.normal([7, 3])), tf.Variable(tf.zeros([3], tf.float64))]
    checkpoint = tf.train.Checkpoint(layers=layers, step=tf.Variable(5, dtype=tf.int64), names=tf.Variable(["a", "bc"]))
    prefix = checkpoint.write(str(folder / "bundle" / "ckpt"))
    reader = tf.train.load_checkpoint(prefix)
    keys = sorted(reader.get_variable_to_shape_map())
    report["bundle/ckpt.index"] = [entry(key, reader.get_tensor(key)) for key in keys]

    rng = np.random.default_rng(4)
    nested = {f"net/~/linear_{k}": {"w": rng.normal(size=(3, k + 1)).astype(np.float32), "b": np.zeros(k + 1)} for k in range(3)}
    for name, value in (("haiku.pkl", FlatMapping({k: FlatMapping(v) for k, v in nested.items()})), ("jax.pkl", jax.tree.map(jnp.asarray, nested)), ("brain.pkl", {"net": {"w": np.asarray(jnp.ones((2, 2), jnp.bfloat16))}})):
        with open(folder / name, "wb") as file:
            pickle.dump(value, file)
        report[name] = [entry(f"{outer}/{inner}", array) for outer, part in value.items() for inner, array in part.items()]
    versions = {"tensorflow": tf.__version__, "haiku": haiku.__version__, "jax": jax.__version__, "numpy": np.__version__}
    command = "python reference/records/tf_weights.py test/fixtures/weights"
    (folder / "tensorflow.json").write_text(json.dumps({"command": command, "versions": versions, "files": report}, indent=1) + "\n")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
