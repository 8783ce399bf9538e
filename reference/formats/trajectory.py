"""A trajectory of ASE with fields of every kind, and what ASE reads from it.

    python reference/formats/trajectory.py test/fixtures/formats/peers

Writes fields.traj and fields.json. Needs ase.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import ase.io
import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator

folder = Path(sys.argv[1])
frames = []
for k in range(2):
    atoms = Atoms("OHH", positions=[[0, 0, 0], [0, 0.5, 1], [1, 0, k]], cell=[4, 5, 6], pbc=True, tags=[k, 1, 2])
    atoms.info.update(my=3.5, whole=7.0, n=3, flag=True, name="a NaN", vec=np.array([1.0, 2, 3 + k]), odd=np.inf)
    atoms.info.update(mat=np.eye(3), wide=np.array([2**53 + 1, 1]), pair=[1, 2], tree={"a": [1.5]})
    atoms.set_initial_charges([0.1, 0.2, -0.3])
    atoms.set_initial_magnetic_moments([1, 2, 3.5])
    atoms.calc = SinglePointCalculator(
        atoms, energy=-1.5, free_energy=-1.75, magmom=2.0, forces=np.full((3, 3), 0.25), stress=np.arange(6.0),
        dipole=np.array([1.0, 2, 3]), charges=np.array([0.5, 0.5, -1]), energies=np.array([1.0, 2, 3]),
    )  # fmt: skip
    frames.append(atoms)
ase.io.write(folder / "fields.traj", frames)


def plain(value: object) -> object:
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


read = ase.io.read(folder / "fields.traj", ":")
told = {
    "peer": f"ase {version('ase')}",
    "frames": [
        {
            "info": {key: str(value) if value == np.inf else value for key, value in
                     ((key, plain(value)) for key, value in atoms.info.items())},
            "arrays": {key: plain(value) for key, value in atoms.arrays.items()},
            "results": {key: plain(value) for key, value in atoms.calc.results.items()},
        }
        for atoms in read
    ],
}  # fmt: skip
(folder / "fields.json").write_text(json.dumps(told, indent=1) + "\n")
