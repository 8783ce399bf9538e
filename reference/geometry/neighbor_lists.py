"""Neighbour lists of crystals by ASE and by vesin, which have to agree.

    python reference/geometry/neighbor_lists.py test/fixtures/geometry/neighbor-lists.json

Each list: rows i, j, Sx, Sy, Sz sorted, and distances in that order.
"""

import json
import sys
from importlib.metadata import version

import numpy as np
import vesin
from ase import Atoms, __version__
from ase.build import bulk, fcc111, graphene, molecule
from ase.neighborlist import primitive_neighbor_list
from ase.spacegroup import crystal


def rattled(atoms: Atoms, seed: int, width: float = 0.05) -> Atoms:
    """Moved a little, then by whole cells along periodic directions, so that atoms lie outside."""
    random = np.random.default_rng(seed)
    atoms.positions += random.normal(scale=width, size=atoms.positions.shape)
    cells = random.integers(-2, 3, atoms.positions.shape) * atoms.pbc
    atoms.positions += cells @ atoms.cell.array
    return atoms


def mirrored(atoms: Atoms) -> Atoms:
    """The same crystal in a left-handed cell."""
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    return atoms


def strained(atoms: Atoms) -> Atoms:
    strain = np.array([[1.0, 0.21, -0.13], [0.02, 0.94, 0.17], [0.08, -0.05, 1.07]])
    atoms.set_cell(atoms.cell.array @ strain, scale_atoms=True)
    return atoms


def open_chain() -> Atoms:
    atoms = bulk("Fe", cubic=True)
    atoms.pbc = (False, True, False)
    return atoms


rutile = crystal(
    ["Ti", "O"], [(0, 0, 0), (0.3053, 0.3053, 0)], spacegroup=136, cellpar=[4.594, 4.594, 2.959, 90, 90, 90]
)
quartz = crystal(
    ["Si", "O"],
    [(0.4697, 0, 0), (0.4135, 0.2669, 0.1191)],
    spacegroup=152,
    cellpar=[4.916, 4.916, 5.4054, 90, 90, 120],
)
structures = {
    "copper": (bulk("Cu"), 7.0),
    "copper, strained": (strained(bulk("Cu", cubic=True)), 5.5),
    "magnesium": (bulk("Mg"), 6.3),
    "diamond": (rattled(bulk("C", "diamond", a=3.567), 1), 4.2),
    "rock salt, left-handed": (mirrored(rattled(bulk("NaCl", "rocksalt", a=5.64, cubic=True), 2)), 4.6),
    "rutile": (rattled(rutile, 3), 4.1),
    "quartz": (rattled(quartz, 4), 4.4),
    "graphene": (rattled(graphene(vacuum=None), 5), 5.2),
    "surface": (rattled(fcc111("Al", (2, 2, 3), vacuum=6.0), 6), 4.3),
    "iron along b": (open_chain(), 9.0),
    "methanol": (molecule("CH3OH"), 2.5),
}


def by_ase(atoms: Atoms, rcut: float) -> tuple[np.ndarray, np.ndarray]:
    i, j, d, shifts = primitive_neighbor_list("ijdS", atoms.pbc, atoms.cell.array, atoms.positions, rcut)
    return in_order(i, j, shifts, d)


def by_vesin(atoms: Atoms, rcut: float) -> tuple[np.ndarray, np.ndarray]:
    search = vesin.NeighborList(cutoff=rcut, full_list=True)
    i, j, shifts, d = search.compute(atoms.positions, atoms.cell.array, atoms.pbc, "ijSd")
    return in_order(i, j, shifts, d)


def in_order(i, j, shifts, distances) -> tuple[np.ndarray, np.ndarray]:
    rows = np.column_stack([i, j, shifts]).astype(int)
    order = np.lexsort(rows.T[::-1])
    return rows[order], distances[order]


out = []
for name, (atoms, rcut) in structures.items():
    rows, distances = by_ase(atoms, rcut)
    others, lengths = by_vesin(atoms, rcut)
    assert np.array_equal(rows, others), name
    assert np.allclose(distances, lengths, rtol=0, atol=1e-12), name
    out.append(
        {
            "name": name,
            "positions": atoms.positions.ravel().tolist(),
            "cell": atoms.cell.array.ravel().tolist(),
            "pbc": [bool(p) for p in atoms.pbc],
            "rcut": rcut,
            "pairs": rows.ravel().tolist(),
            "distances": distances.tolist(),
        }
    )

versions = {"ase": __version__, "vesin": version("vesin"), "numpy": np.__version__}
command = "python reference/geometry/neighbor_lists.py test/fixtures/geometry/neighbor-lists.json"
with open(sys.argv[1], "w") as file:
    file.write(json.dumps({"versions": versions, "command": command, "structures": out}, separators=(",", ":")) + "\n")
print([(s["name"], len(s["distances"])) for s in out])
