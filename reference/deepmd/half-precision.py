"""What DeePMD-kit's PyTorch backend computes on the CPU with float16 and bfloat16 nets, and what its rounded weights give in float64.

    python reference/deepmd/half-precision.py            # prints what every kind of net does
    python reference/deepmd/half-precision.py OUTPUT

OUTPUT is a folder (test/fixtures/deepmd): half-precision.json, models whose half nets give finite numbers on the CPU. `exact` is the evaluation in
float64 with the same rounded weights, `tree` that model (see options.py), `precision` the one of descriptor and fitting net. half-float16.dp and
half-bfloat16.pth are two of these models as DeePMD-kit writes them (it cannot write bfloat16 to a .dp); both are packed again to be smaller.
Models and atoms are those of energies.py (triclinic).
"""

import copy
import json
import sys
import zipfile
from pathlib import Path

import dpkit
import numpy as np
from energies import ATTEN, DAVG, E2A, FITTING, GEOMETRIES, build, run
from fixture import header, write_json
from options import DESCRIPTOR, inline

MODELS = {"se_e2_a": E2A, "se_atten, smooth": ATTEN, "se_atten, not smooth": DESCRIPTOR}
PLACE = GEOMETRIES["triclinic"]

# name -> (descriptor, precision of the descriptor, of the fitting net)
CASES = {
    "se_e2_a-float16": ({**E2A, **DAVG}, "float16", "float16"),
    "se_e2_a-bfloat16": ({**E2A, **DAVG}, "bfloat16", "bfloat16"),
    "se_e2_a-descriptor-float16": ({**E2A, **DAVG}, "float16", "float64"),
    "se_e2_a-fitting-bfloat16": ({**E2A, **DAVG}, "float32", "bfloat16"),
    "se_atten-fitting-float16": (ATTEN, "float64", "float16"),
    "se_atten-fitting-bfloat16": (ATTEN, "float64", "bfloat16"),
}


def model_of(descriptor: dict, inner: str, outer: str):
    """As energies.build, with a precision for each net."""
    import torch
    from deepmd.pt.model.model import get_model
    from deepmd.utils.argcheck import normalize

    source = build(descriptor, {}, {})
    plain = {k: v for k, v in descriptor.items() if k != "davg"}
    model = get_model(
        normalize(
            {
                "model": {
                    "type_map": ["O", "H"],
                    "descriptor": {**plain, "precision": inner},
                    "fitting_net": {**FITTING, "precision": outer},
                },
                "learning_rate": {"type": "exp", "start_lr": 1e-3},
                "loss": {"type": "ener"},
                "training": {"training_data": {"systems": ["."]}, "numb_steps": 1},
            }
        )["model"]
    )
    with torch.no_grad():
        model.load_state_dict(copy.deepcopy(source.state_dict()))
    return model


def exact_of(model, descriptor: dict):
    """The float64 model with the weights of another."""
    import torch

    double = build(descriptor, {}, {})
    state = {k: v.double() if torch.is_tensor(v) and v.is_floating_point() else v for k, v in model.state_dict().items()}
    double.load_state_dict(state)
    return double


def kept(values: dict) -> dict:
    assert all(np.isfinite(values[k]).all() for k in ("energy", "force", "virial"))
    return {k: values[k] for k in ("energy", "force", "virial", "atomEnergy")}


def pack_again(path: Path) -> None:
    entries = [(name, zipfile.ZipFile(path).read(name)) for name in zipfile.ZipFile(path).namelist()]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            if "/code/" not in name or not name.endswith(".debug_pkl"):
                archive.writestr(name, data)


def write_fixtures(folder: Path) -> None:
    import torch
    from deepmd.dpmodel.utils.serialization import save_dp_model

    result = header("half-precision.py test/fixtures/deepmd", "Half-precision nets of DeePMD-kit on the CPU, and their weights in float64")
    result["units"] = "angstrom, eV, eV/angstrom; virial eV"
    result["cases"] = {}
    for name, (descriptor, inner, outer) in CASES.items():
        model = model_of(descriptor, inner, outer)
        double = exact_of(model, descriptor)
        values, exact = kept(run(model, PLACE, None, None)), kept(run(double, PLACE, None, None))
        error = np.abs(np.subtract(values["force"], exact["force"])).max() / np.abs(exact["force"]).max()
        print(name, "energy", values["energy"], "with the same weights in float64", exact["energy"], "force error", error)
        precision = {"descriptor": inner, "fitting_net": outer}
        result["cases"][name] = {**PLACE, "precision": precision, "half": values, "exact": exact, "tree": inline(double.serialize())}
        if name == "se_e2_a-float16":
            params = json.loads(model.get_model_def_script())
            save_dp_model(str(folder / "half-float16.dp"), {"model": model.serialize(), "model_def_script": params, "backend": "PyTorch"})
        if name == "se_e2_a-bfloat16":
            path = folder / "half-bfloat16.pth"
            torch.jit.script(model.eval()).save(str(path))
            pack_again(path)
    write_json(folder / "half-precision.json", result)


def written(model) -> str:
    try:
        model.serialize()
        return "yes"
    except TypeError as error:
        return str(error)


def main() -> None:
    print(json.dumps({"versions": dpkit.versions()}))
    for name, descriptor in MODELS.items():
        exact = run(build(descriptor, {}, {}), PLACE, None, None)
        scale = np.abs(exact["force"]).max()
        for precision in ("float32", "float16", "bfloat16"):
            model = build(descriptor, {}, {}, precision)
            found = run(model, PLACE, None, None)
            error = float(np.abs(np.subtract(found["force"], exact["force"])).max() / scale)
            energy = {"energy": found["energy"], "energy in float64": exact["energy"]}
            print(json.dumps({"model": name, "precision": precision, **energy, "force error": error, "serializes": written(model)}))


if __name__ == "__main__":
    if len(sys.argv) == 2:
        write_fixtures(Path(sys.argv[1]))
    else:
        main()
