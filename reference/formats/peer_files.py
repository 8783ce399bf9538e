"""Small files of the same three frames as the peers write them: ASE, h5py, NumPy, PyTorch Geometric, python-lmdb.

    python reference/formats/peer_files.py test/fixtures/formats/peers

expected.json holds the numbers. Needs ase, h5py, lmdb, msgpack, torch and torch_geometric.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import ase.io
import h5py
import lmdb
import msgpack
import numpy as np
import torch
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.constraints import FixAtoms
from torch_geometric.data import Batch, Data

rng = np.random.default_rng(8)
FRAMES, NUMBERS = 3, np.array([8, 1, 1, 78])
cell = np.array([[6.0, 0, 0], [0.5, 6.5, 0], [-0.25, 0.125, 7.0]])
positions = rng.random((FRAMES, 4, 3)) @ cell
forces = rng.standard_normal((FRAMES, 4, 3))
energies = -20 + rng.standard_normal(FRAMES)


def atoms(k: int) -> Atoms:
    made = Atoms(numbers=NUMBERS, positions=positions[k], cell=cell, pbc=True, constraint=FixAtoms([3]))
    made.calc = SinglePointCalculator(made, energy=energies[k], forces=forces[k])
    return made


def hdf5(folder: Path) -> None:
    with h5py.File(folder / "ani.h5", "w") as file:
        group = file.create_group("gdb11_s01/gdb11_s01-0")
        group["coordinates"], group["energies"] = positions.astype("f4"), energies
        group["species"], group["smiles"] = np.array([b"O", b"H", b"H", b"Pt"]), np.array([b"O"])
    with h5py.File(folder / "system.hdf5", "w") as file:
        group = file.create_group("sys.0")
        group["type.raw"] = np.array([0, 1, 1, 2])
        group["type_map.raw"] = np.array([b"O", b"H", b"Pt"])
        one = group.create_group("set.000")
        one["coord.npy"], one["box.npy"] = positions.reshape(FRAMES, -1), np.tile(cell.ravel(), (FRAMES, 1))
        one["energy.npy"] = energies
        one.create_dataset("force.npy", data=forces.reshape(FRAMES, -1), compression="gzip")


def records(folder: Path) -> None:
    graphs = [
        Data(
            pos=torch.tensor(positions[k]),
            cell=torch.tensor(cell)[None],
            atomic_numbers=torch.tensor(NUMBERS),
            natoms=4,
            energy=float(energies[k]),
            forces=torch.tensor(forces[k]),
        )
        for k in range(FRAMES)
    ]
    import pickle

    (folder / "graphs.pkl").write_bytes(pickle.dumps(graphs, protocol=4))
    torch.save(graphs, folder / "graphs.pt")
    torch.save(Batch.from_data_list(graphs), folder / "batch.pt")


def deepmd_lmdb(folder: Path) -> None:
    def packed(array) -> dict:
        array = np.ascontiguousarray(array)
        return {"type": str(array.dtype), "shape": list(array.shape), "data": array.tobytes()}

    target = folder / "deepmd.lmdb"
    target.mkdir(exist_ok=True)
    (target / "data.mdb").unlink(missing_ok=True)
    env = lmdb.open(str(target), map_size=1 << 20, lock=False)
    with env.begin(write=True) as write:
        meta = {"nframes": FRAMES, "frame_idx_fmt": "012d", "type_map": ["O", "H", "Pt"], "frame_nlocs": [4] * FRAMES}
        write.put(b"__metadata__", msgpack.packb(meta))
        for k in range(FRAMES):
            frame = {
                "atom_types": packed(np.array([0, 1, 1, 2])),
                "coords": packed(positions[k]),
                "cells": packed(cell),
                "energies": packed(energies[k : k + 1]),
                "forces": packed(forces[k]),
            }
            write.put(f"{k:012d}".encode(), msgpack.packb(frame))
    env.close()


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames = [atoms(k) for k in range(FRAMES)]
    ase.io.write(folder / "run.traj", frames)
    ase.io.write(folder / "frames.extxyz", frames, format="extxyz")
    np.savez_compressed(folder / "rmd17.npz", nuclear_charges=NUMBERS, coords=positions, energies=energies, forces=forces)
    np.savez(folder / "md17.npz", z=NUMBERS, R=positions, E=energies[:, None], F=forces, name="water")
    counts = np.array([4, 4, 4])
    np.savez(folder / "dimenet.npz", R=positions.reshape(-1, 3), Z=np.tile(NUMBERS, FRAMES), N=counts, id=np.arange(3), U0=energies)
    hdf5(folder)
    records(folder)
    deepmd_lmdb(folder)
    names = ["ase", "h5py", "lmdb", "msgpack", "numpy", "torch", "torch_geometric"]
    expected = {
        "command": "python reference/formats/peer_files.py test/fixtures/formats/peers",
        "versions": {name: version(name) for name in names},
        "numbers": NUMBERS.tolist(),
        "cell": cell.ravel().tolist(),
        "positions": positions.reshape(FRAMES, -1).tolist(),
        "forces": forces.reshape(FRAMES, -1).tolist(),
        "energies": energies.tolist(),
    }
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


main(Path(sys.argv[1]))
