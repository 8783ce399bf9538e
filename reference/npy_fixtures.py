"""Writes test/fixtures/npy: small arrays saved by NumPy itself, for the reader's tests.

    python reference/npy_fixtures.py test/fixtures/npy      (made with NumPy 2.4.6)
"""

import sys
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

out = Path(sys.argv[1])
grid = np.arange(24, dtype=np.float64).reshape(2, 3, 4) / 8
waves = grid - 1j * (grid + 100)
for name, array in {
    "f2": grid.astype("<f2"),
    "f4_big_endian": grid.astype(">f4"),
    "f8_fortran": np.asfortranarray(grid),
    "i8_big_endian_fortran": np.asfortranarray((grid * 8).astype(">i8") - 3),
    "u8": np.array([0, 1, 2**64 - 1], dtype="<u8"),
    "i1": np.array([-128, 0, 127], dtype="i1"),
    "bool": np.array([True, False, True]),
    "scalar": np.float64(2.5),
    "empty": np.zeros((0, 7)),
    "object": np.array([{"a": 1}, None], dtype=object),
    "text": np.array(["O", "H"]),
    "c8": waves.astype("<c8"),
    "c8_big_endian_fortran": np.asfortranarray(waves.astype(">c8")),
    "c16": waves,
    "c16_big_endian": waves.astype(">c16"),
    "c16_fortran": np.asfortranarray(waves),
    "c16_scalar": np.complex128(2.5 - 0.5j),
    "c8_empty": np.zeros((0, 7), dtype="c8"),
    "c16_non_finite": np.array([1 - 8j, complex(np.nan, 100), complex(-200, -np.inf), 3 + 4j]),
    "structured": np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
}.items():
    np.save(out / f"{name}.npy", array, allow_pickle=name == "object")
for version in ((2, 0), (3, 0)):
    with open(out / f"version{version[0]}.npy", "wb") as file:
        npy.write_array(file, grid, version=version)
np.savez(out / "complex.npz", wave=waves.astype("<c8"), turned=np.asfortranarray(waves.astype(">c16")), real=grid)
