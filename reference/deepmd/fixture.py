"""What the fixture scripts share: DeePMD-npy folders made on the fly, one evaluation as JSON, and the JSON layout of the files."""

import json
import sys
from pathlib import Path

import dpkit
import numpy as np

TYPE_MAP = ["Nb", "Mo", "Ta", "W"]


def header(script: str, what: str) -> dict:
    return {"madeBy": f"python reference/deepmd/{script}", "what": what, "versions": dpkit.versions()}


def frames_of(system: Path, indices: list[int], natoms: int | None = None) -> dict[str, np.ndarray]:
    """Frames of a mixed_type folder, padded to `natoms` by virtual atoms (type -1, everything zero)."""
    data = {p.stem: np.load(p)[indices] for p in (system / "set.000").glob("*.npy")}
    pad = 0 if natoms is None else natoms - data["real_atom_types"].shape[1]
    data["real_atom_types"] = np.pad(data["real_atom_types"], ((0, 0), (0, pad)), constant_values=-1)
    for name in ("coord", "force"):
        data[name] = np.pad(data[name].astype(np.float64), ((0, 0), (0, 3 * pad)))
    return {**data, "box": data["box"].astype(np.float64), "energy": data["energy"].reshape(-1)}


def join(*parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {name: np.concatenate([p[name] for p in parts]) for name in parts[0]}


def write_system(folder: Path, data: dict[str, np.ndarray]) -> str:
    """A mixed_type folder, float64, one set."""
    (folder / "set.000").mkdir(parents=True)
    (folder / "type.raw").write_text("0\n" * data["real_atom_types"].shape[1])
    (folder / "type_map.raw").write_text("\n".join(TYPE_MAP) + "\n")
    for name, value in data.items():
        np.save(folder / "set.000" / f"{name}.npy", value)
    return str(folder)


def as_lists(data: dict[str, np.ndarray]) -> dict:
    """Frames as JSON: coord [nf][3N], box [nf][9], types [nf][N], energy [nf], force [nf][3N]."""
    keys = {"coord": "coord", "box": "box", "real_atom_types": "types", "energy": "energy", "force": "force"}
    return {new: data[old].tolist() for old, new in keys.items()}


def evaluate(model, coord, types, box) -> dict:
    """Energy, forces, virial, atomic energies and descriptor of a DeePMD-kit PyTorch model, unrounded."""
    import torch

    coord = torch.tensor(np.asarray(coord, dtype=np.float64).reshape(len(types), -1, 3), requires_grad=True)
    box = None if box is None else torch.tensor(np.asarray(box, dtype=np.float64).reshape(-1, 9))
    types = torch.tensor(np.asarray(types))
    training = model.training
    model.eval()
    out = model(coord, types, box=box, do_atomic_virial=True)
    descriptor = model.forward_embedding(coord, types, box=box)["descriptor"]
    model.train(training)
    values = {name: out[name].detach().numpy() for name in ("energy", "force", "virial", "atom_energy", "atom_virial")}
    nf = len(types)
    return {
        "energy": values["energy"].reshape(-1).tolist(),
        "force": values["force"].reshape(nf, -1).tolist(),
        "virial": values["virial"].reshape(nf, 9).tolist(),
        "atomEnergy": values["atom_energy"].reshape(nf, -1).tolist(),
        "atomVirial": values["atom_virial"].reshape(nf, -1).tolist(),
        "descriptor": descriptor.detach().numpy().reshape(nf, -1).tolist(),
    }


def neutral(model, script: dict) -> dict:
    """The tree that DeePMD-kit writes into `.dp` and `.yaml` files."""
    import torch

    return {
        "backend": "PyTorch",
        "pt_version": str(torch.__version__),
        "model": model.serialize(),
        "model_def_script": script,
        "@variables": {},
    }


def write_json(path: Path, value: dict) -> None:
    """One line for every entry of the first two levels: small, and still readable as a diff."""

    def compact(x) -> str:
        return json.dumps(x, separators=(",", ":"), allow_nan=False)

    def nested(x, depth: int) -> str:
        if depth == 0 or not isinstance(x, (dict, list)) or not x:
            return compact(x)
        pad = "\n" + "  " * (3 - depth)
        close = "\n" + "  " * (2 - depth)
        if isinstance(x, list):
            return "[" + ",".join(pad + nested(v, depth - 1) for v in x) + close + "]"
        return "{" + ",".join(f"{pad}{compact(k)}: {nested(v, depth - 1)}" for k, v in x.items()) + close + "}"

    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(nested(value, 2) + "\n")
    print(f"{path}: {path.stat().st_size} bytes", file=sys.stderr)
