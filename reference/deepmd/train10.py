"""Ten training steps of DeePMD-kit's PyTorch backend, from weights and statistics that are written beside them.

    python reference/deepmd/train10.py DATA OUTPUT

DATA is examples/data/nbmotaw, OUTPUT a folder (test/fixtures/deepmd): train10.json, train10-<case>.dp and one .yaml. Every case is
DeePMD-kit's own trainer (model, loss, Adam, schedule) on one batch that is the whole data set, in float64, recorded unrounded:
loss, rmse_e, rmse_f and lr of every step are those of the update, computed before it.
"""

import json
import sys
import tempfile
from pathlib import Path

import dpkit  # noqa: F401
import numpy as np
from fixture import TYPE_MAP, as_lists, evaluate, frames_of, header, join, neutral, write_json, write_system

STEPS = 10
DESCRIPTOR = {
    "type": "se_atten", "sel": 30, "rcut": 5.0, "rcut_smth": 1.0, "neuron": [4, 8], "axis_neuron": 3, "attn": 6, "attn_layer": 2,
    "attn_dotr": True, "tebd_dim": 4, "precision": "float64", "seed": 11,
}  # fmt: skip
# case -> (changes of the descriptor, which batch)
CASES = {
    "concat": ({"smooth_type_embedding": False}, "one"),
    "concat-smooth": ({"smooth_type_embedding": True}, "one"),
    "strip": ({"smooth_type_embedding": False, "tebd_input_mode": "strip"}, "one"),
    "strip-smooth": ({"smooth_type_embedding": True, "tebd_input_mode": "strip", "set_davg_zero": False}, "one"),
    "virtual": ({"smooth_type_embedding": True, "set_davg_zero": False}, "two"),
}


def config(changes: dict, statistics: list[str], batch: str) -> dict:
    return {
        "model": {
            "type_map": TYPE_MAP,
            "descriptor": {**DESCRIPTOR, **changes},
            "fitting_net": {"neuron": [10, 10, 10], "resnet_dt": True, "precision": "float64", "seed": 12},
        },
        "learning_rate": {"type": "exp", "start_lr": 1e-3, "stop_lr": 1e-4, "decay_steps": 5},
        "optimizer": {"type": "Adam"},
        "loss": {
            "type": "ener", "start_pref_e": 0.02, "limit_pref_e": 1, "start_pref_f": 1000, "limit_pref_f": 1,
            "start_pref_v": 0, "limit_pref_v": 0,
        },
        "training": {
            "training_data": {"systems": statistics, "batch_size": batch},
            "numb_steps": STEPS, "seed": 13, "disp_freq": 1, "save_freq": STEPS,
        },
    }  # fmt: skip


def run(changes: dict, batch: dict[str, np.ndarray], statistics: dict[str, np.ndarray], work: Path, target: Path, yaml: bool) -> dict:
    import torch
    from deepmd.dpmodel.utils.serialization import save_dp_model
    from deepmd.pt.entrypoints.main import get_trainer
    from deepmd.utils.argcheck import normalize

    # The statistics come from more frames than the batch; afterwards the batch alone is trained on.
    settings = normalize(config(changes, [write_system(work / "statistics", statistics)], len(statistics["energy"])))
    trainer = get_trainer(settings)
    model = trainer.model
    tree = neutral(model, settings["model"])
    save_dp_model(f"{target}.dp", tree)
    if yaml:
        save_dp_model(f"{target}.yaml", tree)
    types = batch["real_atom_types"]
    initial = evaluate(model, batch["coord"], types, batch["box"])
    nf = len(types)
    inputs = {
        "coord": torch.tensor(batch["coord"].reshape(nf, -1, 3)),
        "atype": torch.tensor(types.astype(np.int64)),
        "box": torch.tensor(batch["box"]),
    }
    label = {
        "energy": torch.tensor(batch["energy"].reshape(nf, 1)),
        "force": torch.tensor(batch["force"].reshape(nf, -1, 3)),
        "find_energy": 1.0,
        "find_force": 1.0,
    }
    steps, gradients = [], {}
    for step in range(STEPS):
        trainer.optimizer.zero_grad(set_to_none=True)
        lr = trainer.scheduler.get_last_lr()[0]
        coord = inputs["coord"].clone()
        _, loss, more = trainer.wrapper(**{**inputs, "coord": coord}, cur_lr=lr, label=label)
        loss.backward()
        if step == 0:
            gradients = {
                name.removeprefix("model.Default.atomic_model."): float(p.grad.norm())
                for name, p in trainer.wrapper.named_parameters()
                if p.grad is not None
            }
        trainer.optimizer.step()
        trainer.scheduler.step()
        steps.append({"lr": lr, "loss": loss.item(), "rmse_e": more["rmse_e"].item(), "rmse_f": more["rmse_f"].item()})
    final = evaluate(model, batch["coord"], types, batch["box"])
    return {
        "model": f"{target.name}.dp",
        "learning_rate": settings["learning_rate"],
        "loss": {k: settings["loss"][k] for k in ("start_pref_e", "limit_pref_e", "start_pref_f", "limit_pref_f")},
        "frames": as_lists(batch),
        "initial": initial,
        "gradientNorms": gradients,
        "steps": steps,
        "final": {name: final[name] for name in ("energy", "force")},
    }


def main() -> None:
    data, output = Path(sys.argv[1]) / "train", Path(sys.argv[2])
    output.mkdir(parents=True, exist_ok=True)
    one = frames_of(data / "n016", [1])
    batches = {"one": one, "two": join(one, frames_of(data / "n008", [0], 16))}
    # All kinds of frames, so that every element has its energy: the padded unaries bring virtual atoms into the statistics too.
    statistics = join(frames_of(data / "n016", list(range(8))), frames_of(data / "n002", list(range(8)), 16))
    result = header("train10.py examples/data/nbmotaw test/fixtures/deepmd", "Ten training steps; loss and errors before the update")
    result["units"] = "angstrom, eV, eV/angstrom; virial eV; types index Nb Mo Ta W, -1 is a virtual atom"
    result["cases"] = {}
    for name, (changes, batch) in CASES.items():
        with tempfile.TemporaryDirectory() as work:
            result["cases"][name] = run(
                changes, batches[batch], statistics, Path(work), output / f"train10-{name}", name == "concat-smooth"
            )
    write_json(output / "train10.json", json.loads(json.dumps(result)))


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
