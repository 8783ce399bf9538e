"""Niggli cells of random lattices by ASE, supercells by ASE, lengths of shortest images by trying all.

    python reference/geometry/niggli.py test/fixtures/geometry/niggli.json
"""

import itertools
import json
import sys
from importlib.metadata import version
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import make_supercell
from ase.build.tools import niggli_reduce_cell
from ase.geometry import find_mic

rng = np.random.default_rng(7)
found = []
for k in range(40):
    # Lattices of high symmetry among them: there the conventions decide.
    base = [np.diag([3.0, 3.0, 3.0]), np.array([[0, 2, 2], [2, 0, 2], [2, 2, 0.0]]), np.array([[-2, 2, 2], [2, -2, 2], [2, 2, -2.0]]),
            np.array([[3, 0, 0], [-1.5, 1.5 * 3**0.5, 0], [0, 0, 5.0]]), np.array([[4, 0, 0], [0, 5, 0], [1, 0, 6.0]])]  # fmt: skip
    cell = base[k % 5] if k < 20 else rng.standard_normal((3, 3)) * 4
    change = np.eye(3, dtype=int)
    for _ in range(k % 4 if k < 20 else 3):
        i, j = rng.choice(3, 2, replace=False)
        change[i] += int(rng.integers(-2, 3)) * change[j]
    cell = change @ cell
    reduced, _ = niggli_reduce_cell(cell)
    vectors = rng.standard_normal((8, 3)) * 12
    pbc = [bool(x) for x in rng.integers(0, 2, 3)] if k % 2 else [True, True, True]
    if all(pbc):
        _, lengths = find_mic(vectors, cell, pbc)
    else:
        # All images near by: ASE's find_mic is right only where the open directions are perpendicular to the others.
        steps = np.array(list(itertools.product(*[range(-40, 41) if p else [0] for p in pbc]))) @ cell
        lengths = np.array([np.linalg.norm(steps + v, axis=1).min() for v in vectors])
    found.append(
        {
            "cell": cell.ravel().tolist(),
            "niggli": reduced.cellpar().tolist(),
            "pbc": pbc,
            "vectors": vectors.ravel().tolist(),
            "lengths": lengths.tolist(),
        }
    )

supercells = []
for matrix in [[[2, 0, 0], [0, 1, 0], [0, 0, 3]], [[1, 1, 0], [-1, 1, 0], [0, 0, 2]], [[2, 1, 0], [0, -2, 1], [1, 0, 1]]]:
    cell = rng.standard_normal((3, 3)) * 3
    atoms = Atoms("NaClO", positions=rng.standard_normal((3, 3)), cell=cell, pbc=True)
    big = make_supercell(atoms, matrix)
    supercells.append(
        {
            "cell": cell.ravel().tolist(),
            "positions": atoms.positions.ravel().tolist(),
            "matrix": np.ravel(matrix).tolist(),
            "big": big.cell.array.ravel().tolist(),
            "fractions": (big.get_scaled_positions() % 1.0).tolist(),
            "numbers": big.numbers.tolist(),
        }
    )

record = {
    "command": "python reference/geometry/niggli.py test/fixtures/geometry/niggli.json",
    "versions": {name: version(name) for name in ["ase", "numpy"]},
    "lattices": found,
    "supercells": supercells,
}
path = Path(sys.argv[1])
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps(record, separators=(",", ":")) + "\n")
