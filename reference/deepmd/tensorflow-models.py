"""Frozen graphs of DeePMD-kit's TensorFlow backend, one per option that is its own or that it computes otherwise than PyTorch's, and what it
computes with them; and twenty training steps with TensorFlow's Adam from such a graph.

    python reference/deepmd/tensorflow-models.py OUTPUT

OUTPUT is a folder (test/fixtures/deepmd/tensorflow): NAME.pb.gz, cases.json.gz, train20.json. Structures and labels are random numbers. Needs an
environment of its own: deepmd-kit[cpu] 3.2.0 (TensorFlow 2.21.0); with deepmd-kit 2.1.5 (Python 3.10, tensorflow-cpu 2.10.0, NumPy 1.23.5) or
2.2.7 (tensorflow-cpu 2.14.0, NumPy 1.26.4) it writes their graphs, NAME-VERSION.pb.gz and cases-VERSION.json.gz. The graphs lose what only their gradients and training need: constants,
operations of the energy and the descriptor, and the training script stay as frozen.
"""

import copy
import gzip
import importlib
import importlib.metadata
import json
import os
import sys
import tempfile
from pathlib import Path

for name in ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS", "DP_INTER_OP_PARALLELISM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

MADE_BY = "python reference/deepmd/tensorflow-models.py test/fixtures/deepmd/tensorflow"
STEPS = 20
TYPES = [0, 1, 1] * 4
E2A = {"type": "se_e2_a", "sel": [20, 40], "rcut": 4.0, "rcut_smth": 1.3, "neuron": [4, 8], "axis_neuron": 2, "precision": "float64", "seed": 1}
ATTEN = {
    "type": "se_atten", "sel": 60, "rcut": 4.0, "rcut_smth": 1.3, "neuron": [4, 8], "axis_neuron": 2, "attn": 5, "attn_layer": 2,
    "attn_dotr": True, "attn_mask": False, "precision": "float64", "seed": 1,
}  # fmt: skip
V2 = {k: v for k, v in ATTEN.items() if k != "type"} | {"type": "se_atten_v2"}
FITTING = {"neuron": [8, 8], "precision": "float64", "seed": 2}
TEBD = {"neuron": [4], "precision": "float64", "seed": 3}
SMOOTH = {"smooth_type_embedding": True}
STRIP = {"stripped_type_embedding": True}
DAVG = {"set_davg_zero": False}
EXCLUDE = {"exclude_types": [[0, 1]]}


def atten(block=None, fitting=None, **changes) -> dict:
    return {"descriptor": {**ATTEN, **changes}, "type_embedding": TEBD if block is None else block, "fitting": fitting or {}}


def e2a(fitting=None, **changes) -> dict:
    return {"descriptor": {**E2A, **changes}, "fitting": fitting or {}}


CASES = {
    "atten": atten(),
    "atten-mask": atten(attn_mask=True),
    "atten-mask-smooth": atten(attn_mask=True, **SMOOTH),
    "atten-no-dotr": atten(attn_dotr=False),
    "atten-smooth": atten(**SMOOTH),
    "atten-smooth-davg": atten(**SMOOTH, **DAVG),
    "atten-strip": atten(**STRIP),
    "atten-strip-smooth": atten(**STRIP, **SMOOTH),
    "atten-strip-one-side": atten(**STRIP, type_one_side=True),
    "atten-v2": {"descriptor": V2, "type_embedding": TEBD},
    "atten-one-side": atten(type_one_side=True),
    "atten-davg": atten(**DAVG),
    "atten-excluded": atten(**EXCLUDE),
    "atten-excluded-davg": atten(**EXCLUDE, **DAVG),
    "atten-excluded-smooth-davg": atten(**EXCLUDE, **SMOOTH, **DAVG),
    "atten-strip-excluded-smooth-davg": atten(**STRIP, **EXCLUDE, **SMOOTH, **DAVG),
    "atten-no-attention-davg": atten(attn_layer=0, **DAVG),
    "atten-resnet-dt": atten(resnet_dt=True, activation_function="gelu"),
    "atten-types-tanh": atten(block={**TEBD, "neuron": [4, 8], "activation_function": "tanh", "resnet_dt": True, "use_tebd_bias": True}),
    "atten-no-block": {"descriptor": ATTEN},
    "atten-no-block-smooth": {"descriptor": {**ATTEN, **SMOOTH, "attn_mask": True}},
    "atten-few-slots": atten(sel=9, **DAVG),
    "atten-f32": atten(precision="float32", fitting={"precision": "float32"}, block={**TEBD, "precision": "float32"}),
    "e2a": e2a(),
    "e2a-one-side": e2a(type_one_side=True),
    "e2a-excluded": e2a(**EXCLUDE),
    "e2a-one-side-excluded": e2a(type_one_side=True, **EXCLUDE),
    "e2a-davg-zero": e2a(set_davg_zero=True),
    "e2a-resnet-dt": e2a(resnet_dt=True, neuron=[4, 8, 8], activation_function="gelu"),
    "e2a-relu": e2a(activation_function="softplus", fitting={"activation_function": "sigmoid"}),
    "e2a-few-slots": e2a(sel=[3, 4]),
    "e2a-doubling": e2a(fitting={"neuron": [16, 32, 32], "resnet_dt": False}),
    "e2a-atom-ener": e2a(fitting={"atom_ener": [-0.5, None]}),
    "atten-atom-ener": atten(fitting={"atom_ener": [-0.5, -0.25]}),
    "e2a-parameters": e2a(fitting={"numb_fparam": 2, "numb_aparam": 1}),
}  # fmt: skip

# What earlier versions make; 2.1 has no se_atten.
EARLIER = {
    "2.1.5": ["e2a", "e2a-one-side", "e2a-excluded", "e2a-resnet-dt", "e2a-parameters"],
    "2.2.7": ["e2a", "e2a-one-side", "e2a-excluded", "e2a-resnet-dt", "atten", "atten-mask", "atten-strip", "atten-v2",
              "atten-excluded-davg", "atten-no-block"],
}  # fmt: skip

EF = {"start_pref_e": 0.02, "limit_pref_e": 1, "start_pref_f": 1000, "limit_pref_f": 1}
EXP = {"type": "exp", "start_lr": 2e-3, "stop_lr": 1e-4, "decay_steps": 5}

# name -> the graph it starts from, changes by section
TRAININGS = {
    "e2a": {"from": "e2a"},
    "e2a-virial": {"from": "e2a-one-side", "loss": {"start_pref_v": 0.02, "limit_pref_v": 1}},
    "e2a-limit-only": {"from": "e2a", "loss": {"start_pref_v": 0, "limit_pref_v": 1}},
    "e2a-warmup": {"from": "e2a", "learning_rate": {**EXP, "warmup_steps": 4}},
    "e2a-cosine": {"from": "e2a", "learning_rate": {"type": "cosine", "start_lr": 2e-3, "stop_lr": 1e-4}},
    "e2a-parameters": {"from": "e2a-parameters"},
    "atten": {"from": "atten-no-block"},
    "atten-smooth": {"from": "atten-no-block-smooth"},
}  # fmt: skip


def molecules(rng, box: np.ndarray) -> np.ndarray:
    """Four bent molecules on a distorted grid, turned at random; not wrapped."""
    corners = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])[[0, 3, 5, 6]]
    atoms = []
    for corner in corners:
        oxygen = (corner + 0.3 + 0.08 * rng.standard_normal(3)) / 2 @ box
        turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
        bent = np.array([[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]]) + 0.05 * rng.standard_normal((3, 3))
        atoms.append(oxygen + bent @ turn)
    return np.concatenate(atoms)


def system(folder: Path) -> dict:
    """Two frames with every label; also as a DeePMD-npy folder. The second one's box is open in the evaluations."""
    rng = np.random.default_rng(11)
    n, nf = len(TYPES), 2
    boxes = [np.diag([4.9, 5.1, 5.3]) + 0.3 * rng.standard_normal((3, 3)) for _ in range(nf)]
    data = {
        "coord": np.stack([molecules(rng, box) for box in boxes]).reshape(nf, -1),
        "box": np.stack(boxes).reshape(nf, 9),
        "energy": -3.0 * n + rng.standard_normal(nf),
        "force": rng.standard_normal((nf, 3 * n)),
        "virial": rng.standard_normal((nf, 9)),
        "fparam": rng.random((nf, 2)),
        "aparam": rng.random((nf, n)),
    }
    (folder / "set.000").mkdir(parents=True)
    (folder / "type.raw").write_text("\n".join(map(str, TYPES)) + "\n")
    (folder / "type_map.raw").write_text("O\nH\n")
    for name, value in data.items():
        np.save(folder / "set.000" / f"{name}.npy", value)
    return data


def input_of(case: dict, steps: int) -> dict:
    model = {"type_map": ["O", "H"], "descriptor": case["descriptor"], "fitting_net": {**FITTING, **case.get("fitting", {})}}
    if "type_embedding" in case:
        model["type_embedding"] = case["type_embedding"]
    return {
        "model": model,
        "learning_rate": case.get("learning_rate", EXP),
        "loss": {"type": "ener", **EF, **case.get("loss", {})},
        "training": {
            "training_data": {"systems": ["data"], "batch_size": 2},
            "numb_steps": steps, "seed": 3, "disp_freq": 1, "save_freq": 100,
        },
    }  # fmt: skip


def train(given: dict, start: str | None) -> list:
    """DeePMD-kit's own training in the current folder; the rows of lcurve.out, unrounded."""
    import tensorflow as tf

    entry, trainer = part("entrypoints.train").train, part("train.trainer").DPTrainer

    rows = []

    def keep(_file, training, _validation, step, lr, *_more) -> None:
        rows.append({"step": int(step), "lr": float(lr), "training": {k: float(v) for k, v in training.items()}})

    trainer.print_on_training = staticmethod(keep)
    tf.compat.v1.reset_default_graph()
    Path("input.json").write_text(json.dumps(given))
    entry(
        INPUT="input.json", init_model=None, restart=None, output="out.json", init_frz_model=start, mpi_log="master",
        log_level=2, log_path=None, skip_neighbor_stat=True,
    )  # fmt: skip
    return rows


def part(name: str):
    """A module of DeePMD-kit; before version 3 the TensorFlow backend was all of it."""
    try:
        return importlib.import_module(f"deepmd.tf.{name}")
    except ModuleNotFoundError:
        return importlib.import_module(f"deepmd.{name}")


def freeze(path: str) -> None:
    import tensorflow as tf

    tf.compat.v1.reset_default_graph()
    part("entrypoints.freeze").freeze(checkpoint_folder=".", output=path)


def evaluate(path: str, data: dict, case: dict) -> dict:
    """A periodic frame and an open one."""
    pot = part("infer").DeepPot(path)
    fitting = case.get("fitting", {})
    parameters = {name: data[name] for name in ("fparam", "aparam") if f"numb_{name}" in fitting}
    found = []
    for frames, periodic in ((slice(0, 1), True), (slice(1, 2), False)):
        cells = data["box"][frames] if periodic else None
        own = {name: value[frames] for name, value in parameters.items()}
        e, f, v, ae, av = pot.eval(data["coord"][frames], cells, TYPES, atomic=True, **own)
        descriptor = pot.eval_descriptor(data["coord"][frames], cells, TYPES, **own)
        found.append([e, f, v, ae, av, descriptor])
    names = ["energy", "force", "virial", "atomEnergy", "atomVirial", "descriptor"]
    return {name: np.concatenate([np.ravel(part[k]) for part in found]).tolist() for k, name in enumerate(names)}


def slim(source: str, target: Path) -> None:
    """What the energy and the descriptor need, and the constants that describe the model."""
    import tensorflow as tf

    graph = tf.compat.v1.GraphDef()
    graph.ParseFromString(Path(source).read_bytes())
    kept = ("model_attr/", "descrpt_attr/", "fitting_attr/", "train_attr/", "model_type", "o_energy", "o_descriptor")
    wanted = [node.name for node in graph.node if node.op == "Const" and node.name.startswith(kept) or node.name in kept]
    graph = tf.compat.v1.graph_util.extract_sub_graph(graph, wanted)
    for node in graph.node:
        node.attr.pop("_output_shapes", None)
    target.write_bytes(gzip.compress(graph.SerializeToString(deterministic=True), 9, mtime=0))
    print(f"{target}: {target.stat().st_size} bytes", file=sys.stderr)


def write(path: Path, value: dict) -> None:
    """One line for every entry of the first two levels."""

    def compact(x) -> str:
        return json.dumps(x, separators=(",", ":"), allow_nan=False)

    lines = []
    for key, entry in value.items():
        if isinstance(entry, dict) and key != "versions":
            inner = ",\n".join(f"    {compact(k)}: {compact(v)}" for k, v in entry.items())
            lines.append(f"  {compact(key)}: {{\n{inner}\n  }}")
        else:
            lines.append(f"  {compact(key)}: {compact(entry)}")
    text = "{\n" + ",\n".join(lines) + "\n}\n"
    path.write_bytes(gzip.compress(text.encode(), 9, mtime=0) if path.suffix == ".gz" else text.encode())


def header(what: str) -> dict:
    found = {p: importlib.metadata.version(p) for p in ("deepmd-kit", "numpy")}
    found["tensorflow"] = __import__("tensorflow").__version__
    return {"madeBy": MADE_BY, "what": what, "versions": {"python": ".".join(map(str, sys.version_info[:3])), **found}}


def main() -> None:
    output = Path(sys.argv[1]).resolve()
    output.mkdir(parents=True, exist_ok=True)
    version = importlib.metadata.version("deepmd-kit")
    mark = f"-{version}" if version in EARLIER else ""
    cases, trainings = {}, {}
    with tempfile.TemporaryDirectory() as work:
        os.chdir(work)
        data = system(Path("data"))
        frames = {name: value.tolist() for name, value in data.items()}
        for name, case in CASES.items():
            if name not in EARLIER.get(version, CASES):
                continue
            train(input_of(case, 4), None)
            freeze("frozen.pb")
            os.replace("frozen.pb", f"{name}.pb")
            cases[name] = evaluate(f"{name}.pb", data, case)
            slim(f"{name}.pb", output / f"{name}{mark}.pb.gz")
        for name, training in TRAININGS.items() if mark == "" else ():
            given = input_of({**CASES[training["from"]], **training}, STEPS)
            rows = train(copy.deepcopy(given), f"{training['from']}.pb")
            columns = list(rows[0]["training"])
            trainings[name] = {
                "from": training["from"],
                "input": {key: given[key] for key in ("learning_rate", "loss")},
                "columns": columns,
                "rows": [[row["step"], row["lr"], *(row["training"][c] for c in columns)] for row in rows],
            }
        os.chdir(output)
    what = "Frozen TensorFlow graphs: one periodic frame, one open"
    write(output / f"cases{mark}.json.gz", {**header(what), "types": TYPES, "frames": frames, "cases": cases})
    if mark != "":
        return
    what = "Twenty steps of TensorFlow training; rows of lcurve.out, unrounded: step, lr, columns"
    write(output / "train20.json", {**header(what), "types": TYPES, "trainings": trainings})


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
