"""What ASE, pymatgen, NumPy, h5py, safetensors with PyTorch, and DeePMD-kit find in structure files that this package wrote.

    ATOMGRAD_WRITTEN=build/written npm test test/formats/written-files.test.ts
    python reference/formats/read_written.py build/written test/fixtures/formats/written.json

Records versions, the SHA-256 of every file, and per reader and frame what was found. Python-lmdb and PyTorch Geometric: read_ocp.py.
"""

import csv
import hashlib
import json
import sys
from importlib.metadata import version
from pathlib import Path

import ase.io
import h5py
import numpy as np
import safetensors.torch
from deepmd.utils.data import DeepmdData
from pymatgen.core import Structure
from pymatgen.io.lammps.data import LammpsData

folder = Path(sys.argv[1])


def flat(array) -> list:
    return np.asarray(array, dtype=float).reshape(-1).tolist()


def of_ase(name: str, **options) -> list[dict]:
    found = []
    for atoms in ase.io.read(folder / name, index=":", **options):
        frame = {"numbers": atoms.numbers.tolist(), "positions": flat(atoms.positions)}
        if atoms.cell.rank == 3:
            frame |= {"cell": flat(atoms.cell.array), "pbc": atoms.pbc.tolist()}
        if atoms.calc is not None:
            frame |= {key: flat(value) for key, value in atoms.calc.results.items() if key in ("energy", "forces")}
        if "tags" in atoms.arrays:
            frame["tags"] = atoms.arrays["tags"].tolist()
        found.append(frame)
    return found


def of_pymatgen(structures: list[Structure]) -> list[dict]:
    return [
        {"numbers": [s.specie.Z for s in one], "fractions": flat(one.frac_coords), "lengths": flat(one.lattice.abc), "angles": flat(one.lattice.angles)}
        for one in structures
    ]


def of_deepmd(name: str) -> list[dict]:
    type_map = (folder / name / "type_map.raw").read_text().split()
    data = DeepmdData(str(folder / name), type_map=type_map, shuffle_test=False)
    data.add("energy", 1, atomic=False, must=True, high_prec=True)
    data.add("force", 3, atomic=True, must=True, high_prec=True)
    read = data.get_test()
    frames = len(read["coord"])
    types = np.broadcast_to(read["type"].reshape(-1, read["coord"].shape[1] // 3), (frames, read["coord"].shape[1] // 3))
    return [
        {
            "names": [type_map[t] for t in types[k] if t >= 0],
            "positions": flat(read["coord"][k].reshape(-1, 3)[types[k] >= 0]),
            "energy": flat(read["energy"][k]),
            "forces": flat(read["force"][k].reshape(-1, 3)[types[k] >= 0]),
        }
        for k in range(frames)
    ]


def of_h5py(name: str) -> dict:
    with h5py.File(folder / name, "r") as file:
        arrays = {key: {"dtype": str(item.dtype), "shape": list(item.shape), "data": flat(item[()])} for key, item in file.items()}
        return {"h5py": arrays, "attributes": dict(file.attrs.items())}


def digest(path: Path) -> str:
    files = [path] if path.is_file() else sorted(p for p in path.rglob("*") if p.is_file())
    return hashlib.sha256(b"".join(p.read_bytes() for p in files)).hexdigest()


rows = list(csv.DictReader(open(folder / "crystals.csv", newline="")))
sites = [json.loads(line) for line in open(folder / "crystals.jsonl")]
tensors = safetensors.torch.load_file(folder / "arrays.safetensors")
found = {
    "ethanol.extxyz": {"ase": of_ase("ethanol.extxyz")},
    "oc20.extxyz": {"ase": of_ase("oc20.extxyz")},
    "ethanol.xyz": {"ase": of_ase("ethanol.xyz", format="xyz")},
    "crystal.vasp": {"ase": of_ase("crystal.vasp", format="vasp"), "pymatgen": of_pymatgen([Structure.from_file(folder / "crystal.vasp", fmt="poscar")])},
    "crystals.cif": {
        "ase": of_ase("crystals.cif"),
        "pymatgen": of_pymatgen([Structure.from_str("data_" + block, "cif") for block in (folder / "crystals.cif").read_text().split("data_")[1:]]),
    },
    "crystal.data": {"pymatgen": of_pymatgen([LammpsData.from_file(str(folder / "crystal.data"), atom_style="atomic").structure])},
    "crystals.csv": {"pymatgen": of_pymatgen([Structure.from_str(row["cif"], "cif") for row in rows]), "columns": list(rows[0])},
    "crystals.jsonl": {
        "pymatgen": of_pymatgen(
            [Structure(one["lattice"], [s["element"] for s in one["sites"]], [s["fractional_coordinates"] for s in one["sites"]]) for one in sites]
        )
    },
    "ethanol": {"deepmd-kit": of_deepmd("ethanol")},
    "mixed": {"deepmd-kit": of_deepmd("mixed")},
    "array.npy": {"numpy": flat(np.load(folder / "array.npy")), "shape": list(np.load(folder / "array.npy").shape)},
    "arrays.npz": {"numpy": {key: flat(value) for key, value in np.load(folder / "arrays.npz").items()}},
    "arrays.hdf5": of_h5py("arrays.hdf5"),
    "arrays.safetensors": {"torch": {key: flat(value) for key, value in tensors.items()}},
}
libraries = ["ase", "pymatgen", "numpy", "h5py", "safetensors", "torch", "deepmd-kit"]
report = {
    "command": "python reference/formats/read_written.py build/written test/fixtures/formats/written.json",
    "versions": {name: version(name) for name in libraries},
    "files": {name: {"sha256": digest(folder / name), **readers} for name, readers in found.items()},
}
Path(sys.argv[2]).write_text(json.dumps(report, separators=(",", ":")) + "\n")
