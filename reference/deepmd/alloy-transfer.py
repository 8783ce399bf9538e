"""The DPA-1 experiment on Nb-Mo-Ta-W: both programs trained on n002, n008 and n016 in one padded system, tested on n128 and n054.

    python reference/deepmd/alloy-transfer.py DATA FIGURES PROGRAM SEED...

DATA is alloy-nbmotaw (the shared data), PROGRAM `dp` or `atomgrad` (built: `npm run build`), FIGURES the file that the figures are put into
(reference/deepmd/transfer-figures.json). Settings are those of alloys-transfer.json with SEED in all three places; nothing else is changed.
Figures are what `test` of each program prints, with the seconds that the training took on one thread.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dpkit

HERE = Path(__file__).resolve().parent
ATOMGRAD = ["node", str(HERE.parents[1] / "dist/src/cli/main.js")]
DP = [sys.executable, str(HERE / "dpkit.py"), "--pt"]
TESTS = ["n128", "n054"]
THREADS = ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS", "DP_INTER_OP_PARALLELISM_THREADS")


def run(command: list[str], folder: Path) -> str:
    """What a command prints; what it printed is shown when it fails."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **dict.fromkeys(THREADS, "1")}, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}\n{done.stdout[-3000:]}")
    return done.stdout


def settings(data: Path, seed: int) -> dict:
    found = json.loads((HERE / "alloys-transfer.json").read_text())
    found["training"]["validation_data"]["systems"] = [str(data / "n128")]
    for section in (found["model"]["descriptor"], found["model"]["fitting_net"], found["training"]):
        section["seed"] = seed
    return found


def figures(text: str) -> dict:
    """The last of each, which is the average where a program prints one."""

    def last(name: str) -> float:
        return float(re.findall(name + r"\s*:\s*([-+.\deE]+)", text)[-1])

    return {"force_rmse": last(r"Force\s+RMSE"), "energy_rmse_per_atom": last(r"Energy\s+RMSE/Natoms")}


def main() -> None:
    data, kept, program = Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), sys.argv[3]
    start, train, model = {
        "dp": (DP, ["--skip-neighbor-stat"], "model.ckpt.pt"),
        "atomgrad": (ATOMGRAD, [], "model.ckpt-3000.safetensors"),
    }[program]
    for seed in map(int, sys.argv[4:]):
        with tempfile.TemporaryDirectory() as folder:
            work = Path(folder)
            (work / "train").mkdir()
            for name in ("n002", "n008", "n016"):
                (work / "train" / name).symlink_to(data / name)
            run([*ATOMGRAD, "convert", "train", "padded", "--to", "deepmd-mixed", "--type-map", "Nb,Mo,Ta,W"], work)
            (work / "input.json").write_text(json.dumps(settings(data, seed)))
            begin = time.time()
            run([*start, "train", "input.json", *train], work)
            seconds = round(time.time() - begin)
            found = {name: figures(run([*start, "test", "-m", model, "-s", str(data / name)], work)) for name in TESTS}
        result = json.loads(kept.read_text()) if kept.exists() else {}
        result["what"] = "alloys-transfer.json on both sides, made by reference/deepmd/alloy-transfer.py: `test` on systems not trained on"
        result["units"] = "eV/angstrom, eV/atom, seconds of training on one thread"
        result["versions"] = dpkit.versions()
        result.setdefault(program, {})[f"seed {seed}"] = {**found, "seconds": seconds}
        kept.write_text(json.dumps(result, indent=2) + "\n")
        print(program, seed, json.dumps(result[program][f"seed {seed}"]), flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 5 or sys.argv[3] not in ("dp", "atomgrad"):
        sys.exit(__doc__)
    main()
