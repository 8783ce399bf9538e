"""Cut the Nb-Mo-Ta-W excerpt that the repository ships (examples/data/nbmotaw) out of the full set.

    python reference/deepmd/cut-nbmotaw.py SOURCE TARGET

SOURCE is the folder of the full set in DeePMD mixed_type layout (n002, n008, n016, n054, n128), TARGET is written anew:
TARGET/train/{n002,n008,n016,n054} (unaries and binaries) and TARGET/quaternary/n128 (never trained on). Frames of every folder
are shuffled with a fixed seed, so that the first batches hold every kind of frame: statistics and the least-squares energy bias
read only those. Coordinates, cells and forces are stored as float32 (rounding below 1e-6 A and 1e-6 eV/A), energies as float64.
"""

import random
import sys
from pathlib import Path

import numpy as np

SEED = 20260
# folder -> (place in the excerpt, number of frames kept; None keeps all)
FOLDERS = {
    "n002": ("train", None),
    "n008": ("train", None),
    "n016": ("train", 1150),
    "n054": ("train", 480),
    "n128": ("quaternary", None),
}


def cut(source: Path, target: Path, keep: int | None) -> str:
    arrays = {p.stem: np.load(p) for p in sorted((source / "set.000").glob("*.npy"))}
    frames = len(arrays["energy"])
    order = list(range(frames))
    random.Random(f"{SEED}:{source.name}").shuffle(order)
    order = order[:keep]

    (target / "set.000").mkdir(parents=True)
    for name in ("type.raw", "type_map.raw"):
        (target / name).write_text((source / name).read_text())
    groups = (source / "groups.txt").read_text().split()
    (target / "groups.txt").write_text("".join(f"{groups[i]}\n" for i in order))
    for name, dtype in (("coord", "<f4"), ("box", "<f4"), ("force", "<f4"), ("energy", "<f8"), ("real_atom_types", "<i4")):
        np.save(target / "set.000" / f"{name}.npy", arrays[name][order].astype(dtype))
    return f"{target.parent.name}/{target.name}: {len(order)} of {frames} frames"


def main() -> None:
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    for part in {place for place, _ in FOLDERS.values()}:
        if (target / part).exists():
            sys.exit(f"{target / part} exists: remove it first")
    for name, (place, keep) in FOLDERS.items():
        print(cut(source / name, target / place / name, keep))
    size = sum(p.stat().st_size for p in target.rglob("*") if p.is_file())
    print(f"{size} bytes in all")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
