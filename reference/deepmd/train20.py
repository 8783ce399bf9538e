"""Twenty training steps of DeePMD-kit's PyTorch backend under many losses, rates and optimisers, from weights that are written beside them.

    python reference/deepmd/train20.py OUTPUT

OUTPUT is a folder (test/fixtures/deepmd): train20.json. Every case is DeePMD-kit's own trainer on one batch that is a whole system of two
frames, in float64; rows are what it writes into lcurve.out, unrounded. Structures and labels are random numbers. Models are written as in
options.json (see options.py); `after` is the energy bias at the end where the case changes it, `lcurve` the lines of lcurve.out as they are written.
"""

import copy
import os
import sys
import tempfile
from pathlib import Path

import dpkit  # noqa: F401
import numpy as np
from fixture import header, write_json
from options import difference, inline

STEPS = 20
# Cases of which lcurve.out is kept as it is written.
WRITTEN = ["e2a", "virial", "atomic-labels", "missing-labels", "mae", "disp-avg", "cosine", "validation"]
TYPES = [0, 0, 0, 1, 1, 1, 1]
E2A = {"type": "se_e2_a", "sel": [12, 16], "rcut": 3.5, "rcut_smth": 0.5, "neuron": [3, 6], "axis_neuron": 2, "precision": "float64", "seed": 1}
ATTEN = {
    "type": "se_atten", "sel": 28, "rcut": 3.5, "rcut_smth": 0.5, "neuron": [3, 6], "axis_neuron": 2, "attn": 4, "attn_layer": 1,
    "tebd_dim": 3, "smooth_type_embedding": True, "precision": "float64", "seed": 1,
}  # fmt: skip
FITTING = {"neuron": [5, 5], "precision": "float64", "seed": 2}
EF = {"start_pref_e": 0.02, "limit_pref_e": 1, "start_pref_f": 1000, "limit_pref_f": 1}
V = {"start_pref_v": 0.02, "limit_pref_v": 1}
AE = {"start_pref_ae": 1, "limit_pref_ae": 2}
PF = {"start_pref_pf": 10, "limit_pref_pf": 1}
HUBER = {"use_huber": True, "huber_delta": [0.01, 0.2, 0.05]}
MAE = {"loss_func": "mae"}

# name -> changes by section; "labels": labels left out of the data
CASES = {
    "e2a": {},
    "e2a-one-side": {"descriptor": {"type_one_side": True, "resnet_dt": True, "set_davg_zero": True}},
    "e2a-excluded": {"descriptor": {"exclude_types": [[0, 1]]}},
    "e2a-absent-type": {"model": {"type_map": ["O", "C", "H"]}, "descriptor": {"sel": [12, 2, 16]}},
    "atten": {"descriptor": ATTEN},
    "atten-virial": {"descriptor": ATTEN, "loss": V},
    "atten-fparam": {"descriptor": ATTEN, "fitting": {"numb_fparam": 2, "numb_aparam": 1}},
    "virial": {"loss": V},
    "intensive": {"loss": {**V, "intensive_ener_virial": True}},
    "fparam": {"fitting": {"numb_fparam": 2}},
    "aparam": {"fitting": {"numb_fparam": 1, "numb_aparam": 2}},
    "default-fparam": {"fitting": {"numb_fparam": 2, "default_fparam": [0.4, 0.3]}, "leave": ["fparam"]},
    "atom-ener": {"fitting": {"atom_ener": [-0.5, None]}, "model": {"preset_out_bias": {"energy": [None, -1.25]}}},
    "atomic-labels": {"loss": {**AE, **PF}},
    "missing-labels": {"loss": {**V, **AE}, "leave": ["virial", "atom_ener"]},
    "default-pf": {"loss": {**PF, "use_default_pf": True}},
    "relative-f": {"loss": {**PF, "relative_f": 0.5}},
    "huber": {"loss": {**V, **AE, **HUBER}},
    "huber-norm": {"loss": {**V, "use_huber": True, "huber_delta": 0.1, "f_use_norm": True}},
    "mae": {"loss": {**V, **AE, **PF, **MAE}},
    "mae-norm": {"loss": {**MAE, "f_use_norm": True}},
    "adamw": {"optimizer": {"type": "AdamW", "weight_decay": 0.1, "adam_beta1": 0.8, "adam_beta2": 0.99}},
    "adam-decay": {"optimizer": {"type": "Adam", "weight_decay": 0.01}},
    "clipped": {"training": {"gradient_max_norm": 0.5}},
    "cosine": {"learning_rate": {"type": "cosine", "start_lr": 2e-3, "stop_lr": 1e-4, "warmup_steps": 5}},
    "wsd": {"learning_rate": {"type": "wsd", "start_lr": 2e-3, "stop_lr_ratio": 0.01, "decay_phase_ratio": 0.4, "warmup_ratio": 0.2, "warmup_start_factor": 0.1}},
    "smooth-decay": {"learning_rate": {"type": "exp", "start_lr": 1e-3, "decay_rate": 0.7, "decay_steps": 5, "smooth": True, "stop_lr": 1e-5}},
    "disp-avg": {"training": {"disp_avg": True, "disp_freq": 3}},
    "validation": {"validation": 2, "loss": V},
    "change-bias": {"training": {"change_bias_after_training": True}},
    "frozen-descriptor": {"descriptor": {"trainable": False}},
    "frozen-fitting": {"fitting": {"trainable": [True, False, True]}},
}  # fmt: skip


def system(folder: Path, seed: int, leave: list[str], names: list[str]) -> dict:
    """Two frames of random structures with every label; also as JSON."""
    rng = np.random.default_rng(seed)
    n, nf = len(TYPES), 2
    # A distorted 2 x 2 x 2 grid, so that no two atoms come too close.
    grid = np.array([[i, j, k] for i in range(2) for j in range(2) for k in range(2)])[:n] * 2.3
    data = {
        "coord": np.stack([grid + 0.35 * rng.standard_normal((n, 3)) for _ in range(nf)]).reshape(nf, -1),
        "box": np.stack([np.diag([4.6, 4.7, 4.8]) + 0.2 * rng.standard_normal((3, 3)) for _ in range(nf)]).reshape(nf, 9),
        "energy": -3.0 * n + rng.standard_normal(nf),
        "force": rng.standard_normal((nf, 3 * n)),
        "virial": rng.standard_normal((nf, 9)),
        "atom_ener": rng.standard_normal((nf, n)) - 3,
        "atom_pref": rng.random((nf, n)),
        "fparam": rng.random((nf, 2)),
        "aparam": rng.random((nf, n * 2)),
    }
    data = {k: v for k, v in data.items() if k not in leave}
    (folder / "set.000").mkdir(parents=True)
    (folder / "type.raw").write_text("\n".join(map(str, TYPES)) + "\n")
    (folder / "type_map.raw").write_text("\n".join(names) + "\n")
    for name, value in data.items():
        np.save(folder / "set.000" / f"{name}.npy", value)
    return {name: value.tolist() for name, value in data.items()}


def parameters(case: dict) -> list[str]:
    """aparam and fparam as wide as the case wants them."""
    fitting = case.get("fitting", {})
    return [name for name in ("fparam", "aparam") if fitting.get(f"numb_{name}", 0) == 0]


def run(case: dict, work: Path) -> dict:
    from deepmd.pt.entrypoints.main import get_trainer
    from deepmd.utils.argcheck import normalize

    leave = case.get("leave", []) + parameters(case)
    fitting = {**FITTING, **case.get("fitting", {})}
    frames = system(work / "train", 5, leave, ["O", "H"])
    narrow(work / "train", frames, fitting)
    given = {
        "model": {
            "type_map": ["O", "H"],
            "descriptor": case.get("descriptor", {}) if "type" in case.get("descriptor", {}) else {**E2A, **case.get("descriptor", {})},
            "fitting_net": fitting,
            **case.get("model", {}),
        },
        "learning_rate": case.get("learning_rate", {"type": "exp", "start_lr": 1e-3, "stop_lr": 1e-4, "decay_steps": 5}),
        "optimizer": case.get("optimizer", {"type": "Adam"}),
        "loss": {"type": "ener", **EF, **case.get("loss", {})},
        "training": {
            "training_data": {"systems": [str(work / "train")], "batch_size": 2},
            "numb_steps": STEPS, "seed": 3, "disp_freq": 1, "save_freq": 100, **case.get("training", {}),
        },
    }  # fmt: skip
    validation = None
    if "validation" in case:
        validation = system(work / "valid", 6, leave, ["O", "H"])
        given["training"]["validation_data"] = {"systems": [str(work / "valid")], "batch_size": 2, "numb_btch": case["validation"]}
    settings = normalize(copy.deepcopy(given))
    trainer = get_trainer(copy.deepcopy(settings))
    tree = inline(trainer.model.serialize())
    rows = []

    def keep(_file, step, lr, training, validation_results):
        numbers = lambda results: {k: float(v) for k, v in results.items()}  # noqa: E731
        rows.append({"step": int(step), "lr": float(lr), "training": numbers(training), "validation": numbers(validation_results)})

    write = trainer.print_on_training
    trainer.print_on_training = lambda *row: (keep(*row), write(*row))
    trainer.run()
    text = (Path.cwd() / "lcurve.out").read_text()
    given["training"].pop("training_data")
    given["training"].pop("validation_data", None)
    after = trainer.model.atomic_model.out_bias.reshape(-1).tolist() if "change_bias_after_training" in given["training"] else None
    return {"input": given, "frames": frames, "validation": validation, "tree": tree, "rows": rows, "after": after, "lcurve": text}


def narrow(folder: Path, frames: dict, fitting: dict) -> None:
    for name, rows in (("fparam", 1), ("aparam", len(TYPES))):
        count = fitting.get(f"numb_{name}", 0)
        if name in frames and count > 0:
            value = np.array(frames[name])[:, : rows * count]
            np.save(folder / "set.000" / f"{name}.npy", value)
            frames[name] = value.tolist()


def no_nan(value):
    if isinstance(value, dict):
        return {k: no_nan(v) for k, v in value.items()}
    return None if isinstance(value, float) and np.isnan(value) else value


def repeat_labels() -> None:
    """deepmd-kit 3.2.0 reads frames one by one and forgets there that atom_pref stands for three components: its loss then stops."""
    from deepmd.utils.data import DeepmdData

    load = DeepmdData._load_single_data

    def load_repeated(self, set_dir, key, frame, count):
        found, data = load(self, set_dir, key, frame, count)
        times = self.data_dict[key]["repeat"]
        return found, data if times == 1 else np.repeat(data, times, axis=-1)

    DeepmdData._load_single_data = load_repeated


def main() -> None:
    repeat_labels()
    output = Path(sys.argv[1]).resolve()
    result = header("train20.py test/fixtures/deepmd", "Twenty training steps; rows of lcurve.out, unrounded; null: nan")
    result["types"] = TYPES
    result["trees"], result["frames"], result["cases"] = {}, None, {}
    for name, case in CASES.items():
        home = os.getcwd()
        with tempfile.TemporaryDirectory() as work:
            os.chdir(work)
            found = run(case, Path(work))
            os.chdir(home)
        tree = found.pop("tree")
        kind = "se_atten" if case.get("descriptor", {}).get("type") == "se_atten" else "se_e2_a"
        result["trees"].setdefault(kind, tree)
        columns = {side: sorted(found["rows"][0][side]) for side in ("training", "validation")}
        rows = [
            [row["step"], row["lr"], *([no_nan(row[side][c]) for c in columns[side]] for side in ("training", "validation"))]
            for row in found.pop("rows")
        ]
        frames, text = found.pop("frames"), found.pop("lcurve")
        if name in WRITTEN:
            found["lcurve"] = text.splitlines()
        if result["frames"] is None:
            result["frames"] = frames
        changed = {k: v for k, v in frames.items() if result["frames"].get(k) != v}
        lacking = [k for k in result["frames"] if k not in frames]
        result["cases"][name] = {
            **found,
            "changed": changed,
            "lacking": lacking,
            "model": {"tree": kind, "set": difference(result["trees"][kind], tree)},
            "columns": columns,
            "rows": rows,
        }
    write_json(output / "train20.json", result)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
