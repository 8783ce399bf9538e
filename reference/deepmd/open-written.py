"""What DeePMD-kit computes with models that this package wrote.

    python reference/deepmd/open-written.py MODELS SYSTEM

MODELS is test/fixtures/deepmd/written: models trained by `atomgrad train` and written by `atomgrad freeze -o NAME.dp` (or `.yaml`);
SYSTEM one folder of test/fixtures/deepmd/model-commands/data. Every model is opened twice: as it is (NumPy backend, energies only) and converted to PyTorch by
`dp convert-backend`. Writes MODELS/figures.json.
"""

import sys
import tempfile
from pathlib import Path

import dpkit
import numpy as np
from fixture import write_json


def main() -> None:
    from deepmd.entrypoints.convert_backend import convert_backend
    from deepmd.infer import DeepPot

    models, folder = Path(sys.argv[1]), Path(sys.argv[2])

    def array(name: str) -> np.ndarray:
        return np.concatenate([np.load(p) for p in sorted(folder.glob(f"set.*/{name}.npy"))])

    types = np.loadtxt(folder / "type.raw", dtype=int)
    figures = {}
    for path in sorted([*models.glob("*.dp"), *models.glob("*.yaml")]):
        with tempfile.TemporaryDirectory() as name:
            frozen = str(Path(name) / "model.pth")
            convert_backend(INPUT=str(path), OUTPUT=frozen)
            numbers = {}
            for backend, file in (("numpy", str(path)), ("pytorch", frozen)):
                pot = DeepPot(file)
                extra = {key: array(key) for key in ("fparam", "aparam")} if pot.get_dim_fparam() else {}
                energy, force, virial, atom_energy, _ = pot.eval(array("coord"), array("box"), types, atomic=True, **extra)
                frames = len(energy)
                numbers[backend] = {"energy": energy.reshape(-1).tolist(), "atomEnergy": atom_energy.reshape(frames, -1).tolist()}
                if backend == "pytorch":
                    numbers[backend] |= {"force": force.reshape(frames, -1).tolist(), "virial": virial.reshape(frames, -1).tolist()}
            figures[path.name] = numbers
    command = "python reference/deepmd/open-written.py test/fixtures/deepmd/written test/fixtures/deepmd/model-commands/data/plain"
    write_json(models / "figures.json", {"madeBy": command, "versions": dpkit.versions(), **figures})


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
