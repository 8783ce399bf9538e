"""DeePMD-kit's way from `python` on the command line to the first energy of a trained model.

    python bench/peers/deepmd_start.py MODEL.dp

MODEL.dp is brought into the form of the PyTorch backend (.pth) once, by DeePMD-kit itself. A request {} starts a new Python that opens that
file with `DeepPot`, evaluates two atoms and prints the energy. Answer: {"ms" until the energy is read, "cpuMs" of the process, "energy"}.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("model", type=Path)
options = arguments.parse_args()
reference = str(Path(__file__).resolve().parents[2] / "reference" / "deepmd")
sys.path.insert(0, reference)

import dpkit  # noqa: E402, F401
import deepmd  # noqa: E402
import torch  # noqa: E402
from deepmd.entrypoints.convert_backend import convert_backend  # noqa: E402
from lines import serve  # noqa: E402

PROGRAM = """
import sys
sys.path.insert(0, sys.argv[2])
import dpkit
import numpy as np
from deepmd.infer import DeepPot
pot = DeepPot(sys.argv[1])
a = 3.3
energy, *_ = pot.eval(np.array([[0, 0, 0, a / 2, a / 2, a / 2]]), np.array([[a, 0, 0, 0, a, 0, 0, 0, a]]), [0, 1])
print("energy", float(energy[0, 0]), flush=True)
"""


def cpu_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def first_energy(model: str) -> dict:
    start, cpu = time.perf_counter(), cpu_of_children()
    with subprocess.Popen([sys.executable, "-c", PROGRAM, model, reference], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as child:
        line = next((line for line in child.stdout if line.startswith("energy ")), None)
        ms = (time.perf_counter() - start) * 1e3
        if line is None:
            raise RuntimeError("DeePMD-kit printed no energy")
        child.communicate()
    return {"ms": ms, "cpuMs": (cpu_of_children() - cpu) * 1e3, "energy": float(line.split()[1])}


with tempfile.TemporaryDirectory() as folder:
    frozen = str(Path(folder) / "model.pth")
    convert_backend(INPUT=str(options.model), OUTPUT=frozen)
    versions = {"deepmd-kit": deepmd.__version__, "torch": torch.__version__}
    serve({"versions": versions}, lambda request: first_energy(frozen))
