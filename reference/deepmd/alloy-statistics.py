"""What DeePMD-kit's PyTorch backend computes from the shipped excerpt before training: davg, dstd and the energy bias.

    python reference/deepmd/alloy-statistics.py DATA OUTPUT

DATA is examples/data/nbmotaw, OUTPUT a folder (test/fixtures/deepmd): statistics.json. DeePMD-kit shuffles the frames before it takes
`data_stat_nbatch` batches of every system; here the order is that of the files, so that the same frames can be taken again.
"""

import sys
from pathlib import Path

import dpkit  # noqa: F401
import numpy as np
from fixture import TYPE_MAP, header, write_json

ALL = ["n002", "n008", "n016", "n054"]
BASE = {"type": "se_atten", "sel": 40, "rcut": 5.0, "rcut_smth": 1.0, "neuron": [2, 4], "axis_neuron": 2, "attn": 4, "attn_layer": 1}
# name -> (type map, systems, batch size, batches of every system, changes of the descriptor)
CASES = {
    "default": (TYPE_MAP, ALL, "auto", 10, {}),
    "davg": (TYPE_MAP, ALL, "auto", 10, {"set_davg_zero": False}),
    "every-frame-of-two": (TYPE_MAP, ["n002", "n008"], 3, 1000, {"set_davg_zero": False, "smooth_type_embedding": True}),
    "reordered-types": (["W", "Ta", "Mo", "Nb"], ["n016", "n008"], "auto:64", 4, {"set_davg_zero": False, "rcut": 5.5, "sel": 64}),
    "absent-element": ([*TYPE_MAP, "Cr"], ["n016"], 1, 12, {"set_davg_zero": False}),
    "few-frames": (TYPE_MAP, ["n016"], 1, 2, {"set_davg_zero": False, "exclude_types": [[0, 1]]}),
    "too-small-sel": (TYPE_MAP, ["n002", "n054"], 2, 3, {"set_davg_zero": False, "sel": 12, "rcut_smth": 0.5}),
}


def statistics(data: Path, type_map: list[str], systems: list[str], batch, nbatch: int, changes: dict) -> dict:
    from deepmd.pt.model.model import get_model
    from deepmd.pt.train.training import get_additional_data_requirement
    from deepmd.pt.utils.dataloader import DpLoaderSet
    from deepmd.pt.utils.stat import make_stat_input
    from deepmd.utils.argcheck import normalize
    from deepmd.utils.data import DataRequirementItem

    settings = normalize(
        {
            "model": {"type_map": type_map, "descriptor": {**BASE, **changes}, "fitting_net": {"neuron": [4]}, "data_stat_nbatch": nbatch},
            "learning_rate": {"type": "exp", "start_lr": 1e-3},
            "loss": {"type": "ener"},
            "training": {"training_data": {"systems": systems}, "numb_steps": 1},
        }
    )
    model = get_model(settings["model"])
    loader = DpLoaderSet([str(data / "train" / s) for s in systems], batch, type_map, shuffle=False)
    loader.add_data_requirement(
        [
            DataRequirementItem("energy", 1, atomic=False, must=False, high_prec=True),
            DataRequirementItem("force", 3, atomic=True, must=False),
            *get_additional_data_requirement(model),
        ]
    )
    sampled = make_stat_input(loader.systems, loader.dataloaders, nbatch)
    model.compute_or_load_stat(sampled_func=lambda: sampled)
    tree = model.serialize()
    variables = tree["descriptor"]["@variables"]
    davg, dstd = np.array(variables["davg"]), np.array(variables["dstd"])
    assert (davg == davg[:, :1]).all() and (dstd == dstd[:, :1]).all()
    return {
        "type_map": type_map,
        "systems": [f"train/{s}" for s in systems],
        "batch_size": batch,
        "data_stat_nbatch": nbatch,
        "frames": [int(s["coord"].shape[0]) for s in sampled],
        "descriptor": {**BASE, **changes},
        "davg": davg[:, 0].tolist(),
        "dstd": dstd[:, 0].tolist(),
        "outBias": np.array(tree["@variables"]["out_bias"]).reshape(-1).tolist(),
        "outStd": np.array(tree["@variables"]["out_std"]).reshape(-1).tolist(),
        "biasAtomE": np.array(tree["fitting"]["@variables"]["bias_atom_e"]).reshape(-1).tolist(),
    }


def main() -> None:
    data, output = Path(sys.argv[1]), Path(sys.argv[2])
    result = header(
        "alloy-statistics.py examples/data/nbmotaw test/fixtures/deepmd",
        "davg and dstd of one slot (all slots of a type are equal) and the energy bias; `frames` are the first of every system",
    )
    result["cases"] = {name: statistics(data, *case) for name, case in CASES.items()}
    write_json(output / "statistics.json", result)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
