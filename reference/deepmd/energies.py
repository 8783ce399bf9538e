"""Energies, forces, virials and descriptors of se_e2_a, and of every option of the `ener` fitting net, with the models that gave them.

    python reference/deepmd/energies.py OUTPUT

OUTPUT is a folder (test/fixtures/deepmd): energies.json, in the form of options.json (see options.py). `fparam` is per frame, `aparam` per atom.
`single` has energy, forces and virial of the same model in float32 nets, to nine digits.
"""

import copy
import sys
import zlib
from pathlib import Path

import dpkit  # noqa: F401
import numpy as np
from fixture import header, write_json
from options import DESCRIPTOR, GEOMETRIES, difference, in_single, inline

E2A = {"type": "se_e2_a", "sel": [5, 6], "rcut": 4.0, "rcut_smth": 0.5, "neuron": [2, 4], "axis_neuron": 2, "precision": "float64"}
ATTEN = {**DESCRIPTOR, "smooth_type_embedding": True, "attn_layer": 1}
ONE = {"type_one_side": True}
DAVG = {"davg": [0.08, 0.11]}
FITTING = {"neuron": [3, 3], "resnet_dt": True, "precision": "float64"}
PARAMETERS = {"numb_fparam": 2, "numb_aparam": 1}
ACTIVATIONS = ["tanh", "relu", "relu6", "softplus", "sigmoid", "gelu", "gelu_tf", "silu", "silut", "silut:1.5", "none"]

# name -> (descriptor, fitting, model, geometry)
CASES = {
    "two-sides": ({**E2A, **DAVG}, {}, {}, "triclinic"),
    "one-side": ({**E2A, **DAVG, **ONE}, {}, {}, "triclinic"),
    "no-davg": (E2A, {}, {}, "triclinic"),
    "no-box": ({**E2A, **DAVG}, {}, {}, "no-box"),
    "resnet-dt": ({**E2A, **DAVG, "resnet_dt": True}, {}, {}, "triclinic"),
    "exclude": ({**E2A, **DAVG, "exclude_types": [[0, 1]]}, {}, {}, "triclinic"),
    "exclude-same": ({**E2A, **DAVG, **ONE, "exclude_types": [[1, 1]]}, {}, {}, "triclinic"),
    "small-sel": ({**E2A, **DAVG, "sel": [2, 3]}, {}, {}, "triclinic"),
    "sel-of-one-type": ({**E2A, **DAVG, "sel": [12, 0]}, {}, {}, "triclinic"),
    "env-protection": ({**E2A, **DAVG, "env_protection": 0.2}, {}, {}, "triclinic"),
    "virtual": ({**E2A, **DAVG}, {}, {}, "virtual"),
    "virtual-first": ({**E2A, **DAVG}, {}, {}, "virtual-first"),
    "isolated": ({**E2A, **DAVG}, {}, {}, "isolated"),
    "one-atom": ({**E2A, **DAVG, "sel": [6, 20]}, {}, {}, "one-atom"),
    "outside": ({**E2A, **DAVG}, {}, {}, "outside"),
    "at-the-cutoff": ({**E2A, **DAVG}, {}, {}, "coincident-cutoff"),
    **{
        f"activation-{name}": ({**E2A, **DAVG, "activation_function": name}, {"activation_function": name}, {}, "triclinic")
        for name in ACTIVATIONS
    },
    "pair-exclude": ({**E2A, **DAVG}, {}, {"pair_exclude_types": [[0, 1]]}, "triclinic"),
    "atom-exclude": ({**E2A, **DAVG}, {}, {"atom_exclude_types": [1]}, "triclinic"),
    "fparam": ({**E2A, **DAVG}, {"numb_fparam": 2}, {}, "triclinic"),
    "aparam": ({**E2A, **DAVG}, {"numb_aparam": 2}, {}, "triclinic"),
    "both-parameters": ({**E2A, **DAVG}, PARAMETERS, {}, "triclinic"),
    "default-fparam": ({**E2A, **DAVG}, {"numb_fparam": 2, "default_fparam": [0.3, -0.4]}, {}, "triclinic"),
    "atom-ener": ({**E2A, **DAVG}, {"atom_ener": [-1.0, None]}, {}, "triclinic"),
    "atom-ener-short": ({**E2A, **DAVG}, {"atom_ener": [-1.0]}, {}, "triclinic"),
    "atom-ener-parameters": ({**E2A, **DAVG}, {**PARAMETERS, "atom_ener": [None, -1.0]}, {}, "triclinic"),
    "fitting-residual": (E2A, {"neuron": [8, 8, 16]}, {}, "triclinic"),
    "no-hidden-layer": (E2A, {"neuron": []}, {}, "triclinic"),
    "preset-bias": ({**E2A, **DAVG}, {}, {"preset_out_bias": {"energy": [None, -1.5]}}, "triclinic"),
    "atten-parameters": (ATTEN, PARAMETERS, {}, "triclinic"),
    "atten-virtual-parameters": ({**ATTEN, **DAVG}, PARAMETERS, {}, "virtual"),
    "atten-atom-ener": (ATTEN, {"atom_ener": [-1.0, None]}, {}, "triclinic"),
    "atten-atom-ener-parameters": (ATTEN, {**PARAMETERS, "atom_ener": [None, -1.0]}, {}, "triclinic"),
    "atten-econf": ({**ATTEN, "use_econf_tebd": True}, {}, {}, "triclinic"),
    "atten-econf-bias": ({**ATTEN, "use_econf_tebd": True, "use_tebd_bias": True}, {}, {}, "triclinic"),
    "atten-tebd-bias": ({**ATTEN, "use_tebd_bias": True}, {}, {}, "triclinic"),
    "atten-no-output-tebd": ({**ATTEN, "concat_output_tebd": False}, {}, {}, "triclinic"),
    "atten-ln-eps": ({**ATTEN, "ln_eps": 0.1}, {}, {}, "triclinic"),
    "atten-frozen-ln": ({**ATTEN, "trainable_ln": False}, {}, {}, "triclinic"),
    "atten-v2": ({k: v for k, v in {**ATTEN, **DAVG, "type": "se_atten_v2"}.items() if k != "smooth_type_embedding"}, {}, {}, "triclinic"),
    "atten-silut": ({**ATTEN, "activation_function": "silut:0.7"}, {"activation_function": "custom_silu:0.4"}, {}, "triclinic"),
}  # fmt: skip


def build(descriptor: dict, fitting: dict, outer: dict, precision: str = "float64"):
    """A model with random weights, parameters' statistics too."""
    import torch
    from deepmd.pt.model.model import get_model
    from deepmd.utils.argcheck import normalize

    descriptor = dict(descriptor)
    davg, dstd = descriptor.pop("davg", [0, 0]), [0.15, 0.12]
    settings = normalize(
        {
            "model": {
                "type_map": ["O", "H"],
                "descriptor": {**descriptor, "precision": precision},
                "fitting_net": {**FITTING, **fitting, "precision": precision},
                **outer,
            },
            "learning_rate": {"type": "exp", "start_lr": 1e-3},
            "loss": {"type": "ener"},
            "training": {"training_data": {"systems": ["."]}, "numb_steps": 1},
        }
    )
    model = get_model(copy.deepcopy(settings["model"]))
    with torch.no_grad():
        for name, p in model.named_parameters():
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            shift = 1.0 if "layer_norm.matrix" in name else 0.1 if name.endswith("idt") else 0.0
            scale = 0.1 if shift else 0.2 if name.endswith("bias") else 0.8
            p.copy_(torch.tensor(shift + scale * rng.standard_normal(tuple(p.shape))))
        block = model.atomic_model.descriptor
        block = block.sea if descriptor["type"] == "se_e2_a" else block.se_atten
        for t in range(2):
            block.mean[t, :, 0] = davg[t]
            block.stddev[t] = torch.tensor([dstd[t], *[0.7 * dstd[t]] * 3])
        model.atomic_model.out_bias[0, :, 0] = torch.tensor([-1.25, -0.5])
        net = model.atomic_model.fitting_net
        for name in ("fparam", "aparam"):
            if getattr(net, f"{name}_avg") is not None:
                count = getattr(net, f"{name}_avg").numel()
                getattr(net, f"{name}_avg").copy_(torch.linspace(0.1, 0.4, count))
                getattr(net, f"{name}_inv_std").copy_(torch.linspace(1.5, 2.5, count))
    return model


def run(model, geometry: dict, fparam, aparam) -> dict:
    """As fixture.evaluate, with parameters."""
    import torch

    coord = torch.tensor(np.asarray(geometry["coord"], dtype=np.float64).reshape(1, -1, 3), requires_grad=True)
    box = None if geometry["box"] is None else torch.tensor(np.asarray(geometry["box"], dtype=np.float64).reshape(1, 9))
    types = torch.tensor([geometry["types"]])
    more = {k: torch.tensor(np.asarray(v)[None]) for k, v in (("fparam", fparam), ("aparam", aparam)) if v is not None}
    model.eval()
    out = model(coord, types, box=box, do_atomic_virial=True, **more)
    descriptor = model.forward_embedding(coord, types, box=box, **more)["descriptor"]
    names = {"energy": "energy", "force": "force", "virial": "virial", "atom_energy": "atomEnergy", "atom_virial": "atomVirial"}
    values = {new: out[old].detach().double().numpy().reshape(-1).tolist() for old, new in names.items()}
    return {**values, "energy": values["energy"][0], "descriptor": descriptor.detach().double().numpy().reshape(-1).tolist()}


def main() -> None:
    result = header("energies.py test/fixtures/deepmd", "One evaluation per option of se_e2_a and the fitting net")
    result["units"] = "angstrom, eV, eV/angstrom; virial eV; type -1 is a virtual atom; box null: no periodic images"
    trees = {
        "se_e2_a": inline(build({**E2A, **DAVG}, {}, {}).serialize()),
        "se_atten": inline(build(ATTEN, {}, {}).serialize()),
        "se_atten_v2": inline(build(*CASES["atten-v2"][:3]).serialize()),
    }
    result["trees"], result["cases"] = trees, {}
    for name, (descriptor, fitting, outer, geometry) in CASES.items():
        g = GEOMETRIES[geometry]
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        atoms = len(g["types"])
        fparam = rng.random(fitting["numb_fparam"]) if "numb_fparam" in fitting and "default_fparam" not in fitting else None
        aparam = rng.random((atoms, fitting["numb_aparam"])) if "numb_aparam" in fitting else None
        model = build(descriptor, fitting, outer)
        values = run(model, g, fparam, aparam)
        assert all(np.isfinite(v).all() for v in values.values()), name
        single = run(build(descriptor, fitting, outer, "float32"), g, fparam, aparam)
        tree = descriptor["type"]
        result["cases"][name] = {
            **g,
            "fparam": None if fparam is None else fparam.tolist(),
            "aparam": None if aparam is None else aparam.reshape(-1).tolist(),
            **values,
            "single": in_single(single),
            "model": {"tree": tree, "set": difference(trees[tree], inline(model.serialize()))},
        }
    write_json(Path(sys.argv[1]) / "energies.json", result)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
