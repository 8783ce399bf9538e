"""Energies, forces, virials and descriptors of se_atten under every option, each with the model that gave them.

    python reference/deepmd/options.py OUTPUT

OUTPUT is a folder (test/fixtures/deepmd): options.json. A model is DeePMD-kit's own serialised tree (what a `.dp` file holds), written as one
of `trees` and `set`: JSON pointers into it with the values that this case has there instead. An array is {"array": dtype, "shape": [...],
"base64": little-endian bytes}. Weights are random numbers seeded by the parameter's name, layer norms, biases and timesteps included.
`descriptor` is per atom and includes the type embedding where the option says so.
"""

import base64
import sys
import zlib
from pathlib import Path

import dpkit  # noqa: F401
import numpy as np
from fixture import evaluate, header, write_json

DESCRIPTOR = {
    "type": "se_atten", "sel": 12, "rcut": 4.0, "rcut_smth": 0.5, "neuron": [2, 4], "axis_neuron": 2, "attn": 3, "attn_layer": 2,
    "attn_dotr": True, "tebd_dim": 3, "precision": "float64",
}  # fmt: skip
SMOOTH = {"smooth_type_embedding": True}
STRIP = {"tebd_input_mode": "strip"}
ABSENT = object()
DAVG = {"davg": [0.08, 0.11]}
ACTIVATIONS = [
    "tanh", "relu", "relu6", "softplus", "sigmoid", "gelu", "gelu_tf", "silu", "silut", "silut:1.5", "custom_silu:0.4", "none", "linear",
]  # fmt: skip

CELL = [5.4, 0.3, -0.2, 0.9, 5.1, 0.4, -0.5, 0.7, 5.2]
COORD = [0.4, 0.2, 0.3, 1.6, 0.9, 4.1, 2.7, 2.9, 1.5, 4.4, 3.3, 3.6]
VIRTUAL = [*COORD[:6], 9.0, 9.0, 9.0, *COORD[6:], 1.7, 0.8, 4.0]
GEOMETRIES = {
    "triclinic": {"coord": COORD, "types": [0, 1, 1, 0], "box": CELL},
    "no-box": {"coord": COORD, "types": [0, 1, 1, 0], "box": None},
    "virtual": {"coord": VIRTUAL, "types": [0, 1, -1, 1, 0, -1], "box": CELL},
    "virtual-first": {"coord": [2.0, 2.0, 2.0, *COORD], "types": [-1, 0, 1, 1, 0], "box": CELL},
    "isolated": {"coord": [*COORD[:9], 30.0, 0.0, 0.0], "types": [0, 1, 1, 0], "box": None},
    "outside": {"coord": [c + s for c, s in zip(COORD, [11.3, -4.9, 6.0] * 4)], "types": [1, 0, 0, 1], "box": CELL},
    "one-atom": {"coord": [0.1, 0.2, 0.3], "types": [1], "box": [2.9, 0.1, 0.0, 0.2, 3.1, -0.1, 0.0, 0.3, 3.0]},
    "coincident-cutoff": {"coord": [0, 0, 0, 4.0, 0, 0, 0, 0.3, 0, 0, 0, 3.9999], "types": [0, 1, 1, 0], "box": None},
}

# name -> (changes of the descriptor, changes of the model, geometry)
CASES = {
    "concat": ({}, {}, "triclinic"),
    "concat-smooth": (SMOOTH, {}, "triclinic"),
    "concat-davg": (DAVG, {}, "no-box"),
    "concat-smooth-davg-one-side": ({**SMOOTH, **DAVG, "type_one_side": True}, {}, "triclinic"),
    "strip": (STRIP, {}, "triclinic"),
    "strip-smooth-davg": ({**STRIP, **SMOOTH, **DAVG}, {}, "triclinic"),
    "strip-davg-one-side": ({**STRIP, **DAVG, "type_one_side": True}, {}, "no-box"),
    "strip-smooth-one-side": ({**STRIP, **SMOOTH, "type_one_side": True}, {}, "outside"),
    "exclude": ({**DAVG, "exclude_types": [[0, 1]]}, {}, "triclinic"),
    "exclude-smooth-strip": ({**STRIP, **SMOOTH, **DAVG, "exclude_types": [[1, 1]]}, {}, "triclinic"),
    "exclude-all": ({**DAVG, "exclude_types": [[0, 0], [0, 1], [1, 1]]}, {}, "triclinic"),
    "scaling": ({"scaling_factor": 2.5}, {}, "triclinic"),
    "not-normalized": ({**SMOOTH, "normalize": False, "scaling_factor": 0.4}, {}, "triclinic"),
    "temperature": ({**SMOOTH, "temperature": 1.7}, {}, "triclinic"),
    "no-dotr": ({**DAVG, "attn_dotr": False}, {}, "triclinic"),
    "layers-0": ({**SMOOTH, **DAVG, "attn_layer": 0}, {}, "triclinic"),
    "layers-1": ({"attn_layer": 1, "ln_eps": 1e-3}, {}, "triclinic"),
    "layers-3": ({**SMOOTH, "attn_layer": 3}, {}, "triclinic"),
    "tebd-bias": ({"use_tebd_bias": True, "tebd_dim": 4, "resnet_dt": True, "concat_output_tebd": False}, {}, "triclinic"),
    "gelu": ({**SMOOTH, "activation_function": "gelu"}, {"fitting": {"activation_function": "silu", "resnet_dt": False}}, "triclinic"),
    **{
        f"activation-{name}": (
            {**SMOOTH, **DAVG, "activation_function": name, "attn_layer": 1},
            {"fitting": {"activation_function": name}},
            "triclinic",
        )
        for name in ACTIVATIONS
    },
    "env-protection": ({**SMOOTH, "env_protection": 0.2}, {}, "triclinic"),
    "small-sel": ({**SMOOTH, **DAVG, "sel": 4}, {}, "triclinic"),
    "virtual": (DAVG, {}, "virtual"),
    "virtual-first-davg": ({**SMOOTH, **DAVG}, {}, "virtual-first"),
    "virtual-first-strip": ({**STRIP, **DAVG}, {}, "virtual-first"),
    "isolated": (DAVG, {}, "isolated"),
    "isolated-smooth-strip": ({**STRIP, **SMOOTH, **DAVG}, {}, "isolated"),
    "one-atom": ({**SMOOTH, **DAVG, "sel": 20}, {}, "one-atom"),
    "at-the-cutoff": (SMOOTH, {}, "coincident-cutoff"),
    "pair-exclude": ({**SMOOTH, **DAVG}, {"model": {"pair_exclude_types": [[0, 1]]}}, "triclinic"),
    "atom-exclude": ({}, {"model": {"atom_exclude_types": [1]}}, "triclinic"),
}


def build(changes: dict, outer: dict, precision: str = "float64"):
    """A model with random weights; davg where the case names it."""
    import torch
    from deepmd.pt.model.model import get_model
    from deepmd.utils.argcheck import normalize

    changes = dict(changes)
    davg, dstd = changes.pop("davg", [0, 0]), [0.15, 0.12]
    settings = normalize(
        {
            "model": {
                "type_map": ["O", "H"],
                "descriptor": {**DESCRIPTOR, **changes, "precision": precision},
                "fitting_net": {"neuron": [3, 3], "resnet_dt": True, **outer.get("fitting", {}), "precision": precision},
                **outer.get("model", {}),
            },
            "learning_rate": {"type": "exp", "start_lr": 1e-3},
            "loss": {"type": "ener"},
            "training": {"training_data": {"systems": ["."]}, "numb_steps": 1},
        }
    )
    model = get_model(settings["model"])
    with torch.no_grad():
        for name, p in model.named_parameters():
            rng = np.random.default_rng(zlib.crc32(name.encode()))
            shift = 1.0 if "layer_norm.matrix" in name else 0.1 if name.endswith("idt") else 0.0
            scale = 0.1 if shift else 0.2 if name.endswith("bias") else 0.8
            p.copy_(torch.tensor(shift + scale * rng.standard_normal(tuple(p.shape))))
        block = model.atomic_model.descriptor.se_atten
        for t in range(2):
            block.mean[t, :, 0] = davg[t]
            block.stddev[t] = torch.tensor([dstd[t], *[0.7 * dstd[t]] * 3])
        model.atomic_model.out_bias[0, :, 0] = torch.tensor([-1.25, -0.5])
    return model


def in_single(values: dict) -> dict:
    """What is kept of an evaluation in float32 nets."""
    assert all(np.isfinite(values[k]).all() for k in ("energy", "force", "virial"))
    return {k: np.vectorize(lambda x: float(f"{x:.9g}"))(values[k]).tolist() for k in ("energy", "force", "virial")}


def inline(x):
    """A serialised tree with its arrays as base64, NumPy scalars as numbers."""
    if isinstance(x, np.ndarray):
        little = np.ascontiguousarray(x, dtype=x.dtype.newbyteorder("<"))
        return {"array": x.dtype.name, "shape": list(x.shape), "base64": base64.b64encode(little.tobytes()).decode()}
    if isinstance(x, dict):
        return {k: inline(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [inline(v) for v in x]
    return x.item() if isinstance(x, np.generic) else x


def difference(tree, other, pointer: str = "") -> dict:
    """JSON pointers into `tree` with the values of `other`; keys that only `tree` has are not allowed."""
    if isinstance(tree, dict) and isinstance(other, dict) and "array" not in tree:
        assert tree.keys() <= other.keys(), (pointer, tree.keys() - other.keys())
        pairs = [(f"{pointer}/{k}", tree.get(k, ABSENT), v) for k, v in other.items()]
    elif isinstance(tree, list) and isinstance(other, list) and len(tree) == len(other):
        pairs = [(f"{pointer}/{i}", a, b) for i, (a, b) in enumerate(zip(tree, other))]
    else:
        return {} if tree == other and type(tree) is type(other) else {pointer: other}
    return {k: v for at, a, b in pairs for k, v in difference(a, b, at).items()}


def main() -> None:
    result = header("options.py test/fixtures/deepmd", "One evaluation per option, float64")
    result["units"] = "angstrom, eV, eV/angstrom; virial eV; type -1 is a virtual atom; box null: no periodic images"
    trees = {kind: inline(build({**changes, **SMOOTH}, {}).serialize()) for kind, changes in (("concat", {}), ("strip", STRIP))}
    result["trees"], result["cases"] = trees, {}
    for name, (changes, outer, geometry) in CASES.items():
        model = build(changes, outer)
        g = GEOMETRIES[geometry]
        frame = [g["coord"]], [g["types"]], None if g["box"] is None else [g["box"]]
        values = evaluate(model, *frame)
        assert all(np.isfinite(v).all() for v in values.values()), name
        tree = changes.get("tebd_input_mode", "concat")
        flat = {k: v[0] for k, v in values.items()}
        single = in_single({k: v[0] for k, v in evaluate(build(changes, outer, "float32"), *frame).items()})
        model_json = {"tree": tree, "set": difference(trees[tree], inline(model.serialize()))}
        result["cases"][name] = {**g, **flat, "single": single, "model": model_json}
    write_json(Path(sys.argv[1]) / "options.json", result)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main()
