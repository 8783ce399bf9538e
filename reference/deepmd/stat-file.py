"""`training.stat_file`: what DeePMD-kit's PyTorch backend keeps there, and what it reads from one that was written here.

    python reference/deepmd/stat-file.py OUTPUT

OUTPUT is a folder (test/fixtures/deepmd/stat-file), the script is run from the repository root. It writes `peer.hdf5` and the folder `peer`, statistics of the
two trainings `inputs`, and figures.json: davg and dstd of every type, energies of the types and fparam, aparam as the models of these trainings have them.
Where OUTPUT has `ours.hdf5` and the folder `ours`, written by `atomgrad train` with the same inputs, models take their statistics from them alone
(`stat_file_mode` "read").
"""

import json
import shutil
import sys
from pathlib import Path

import dpkit
import numpy as np
from fixture import TYPE_MAP, write_json

COMMON = {
    "learning_rate": {"type": "exp", "start_lr": 1e-3, "stop_lr": 1e-4, "decay_steps": 5},
    "loss": {"type": "ener"},
    "optimizer": {"type": "Adam"},
}
DATA = "examples/data/nbmotaw/train"
INPUTS = {
    "hdf5": {
        **COMMON,
        "model": {
            "type_map": TYPE_MAP,
            "data_stat_nbatch": 1,
            "descriptor": {"type": "se_atten", "sel": 30, "rcut": 5.126, "rcut_smth": 1, "neuron": [2, 4], "axis_neuron": 2, "attn_layer": 0, "set_davg_zero": False, "seed": 1},
            "fitting_net": {"neuron": [4], "seed": 1},
        },
        "training": {"training_data": {"systems": [f"{DATA}/n002"], "batch_size": 1000}, "numb_steps": 1, "seed": 1},
    },
    "folder": {
        **COMMON,
        "model": {
            "type_map": TYPE_MAP,
            "data_stat_nbatch": 1,
            "descriptor": {"type": "se_e2_a", "sel": [8, 8, 8, 8], "rcut": 4, "rcut_smth": 0.5, "neuron": [2, 4], "axis_neuron": 2, "seed": 1},
            "fitting_net": {"neuron": [4], "numb_fparam": 2, "numb_aparam": 1, "seed": 1},
        },
        "training": {
            "training_data": {"systems": ["test/fixtures/deepmd/model-commands/data/plain"], "batch_size": 1000}, "numb_steps": 1, "seed": 1,
        },
    },
}  # fmt: skip


def statistics(settings: dict, path: Path, mode: str) -> dict:
    """What a model of these settings has when its trainer is made."""
    from deepmd.pt.entrypoints.main import get_trainer
    from deepmd.utils.argcheck import normalize

    own = json.loads(json.dumps(settings))
    own["training"] |= {"stat_file": str(path), "stat_file_mode": mode}
    model = get_trainer(normalize(own)).model.atomic_model
    block = getattr(model.descriptor, "se_atten", None) or model.descriptor.sea
    net = model.fitting_net
    values = {"davg": block.mean[:, 0], "dstd": block.stddev[:, 0], "bias": model.out_bias, "deviation": model.out_std}
    for name in ("fparam", "aparam"):
        if getattr(net, f"numb_{name}") > 0:
            values |= {f"{name}_{kind}": getattr(net, f"{name}_{kind}") for kind in ("avg", "inv_std")}
    return {name: value.detach().numpy().reshape(-1).tolist() for name, value in values.items()}


def main() -> None:
    output = Path(sys.argv[1])
    output.mkdir(exist_ok=True)
    (output / "peer.hdf5").unlink(missing_ok=True)
    shutil.rmtree(output / "peer", ignore_errors=True)
    result = {"madeBy": "python reference/deepmd/stat-file.py test/fixtures/deepmd/stat-file", "versions": dpkit.versions(), "inputs": INPUTS}
    for kind, suffix in (("hdf5", ".hdf5"), ("folder", "")):
        result[kind] = {"peer": statistics(INPUTS[kind], output / f"peer{suffix}", "update")}
        ours = output / f"ours{suffix}"
        if ours.exists():
            result[kind]["ours"] = statistics(INPUTS[kind], ours, "read")
    for path in sorted((output / "peer").rglob("*")):
        if path.is_file():
            print(path.relative_to(output), np.load(path).tolist())
    write_json(output / "figures.json", result)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
