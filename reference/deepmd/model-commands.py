"""What `dp eval-desc`, `model-devi`, `show`, `neighbor-stat`, `change-bias` and DeepPot.eval give for two small models on small systems.

    python reference/deepmd/model-commands.py DATA OUTPUT

DATA is examples/data/nbmotaw, OUTPUT a folder that is written anew (test/fixtures/deepmd/model-commands): the models as `.dp`, the systems,
and what DeePMD-kit's PyTorch backend printed and wrote.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import dpkit
import numpy as np
from fixture import TYPE_MAP, frames_of, write_json, write_system

DESCRIPTOR = {
    "type": "se_atten", "sel": 30, "rcut": 4.5, "rcut_smth": 1.0, "neuron": [4, 8], "axis_neuron": 2, "attn": 8, "attn_layer": 1,
    "smooth_type_embedding": True,
}  # fmt: skip


def training(seed: int, fitting: dict, systems: list[str]) -> dict:
    return {
        "model": {
            "type_map": TYPE_MAP,
            "descriptor": {**DESCRIPTOR, "seed": seed},
            "fitting_net": {"neuron": [8, 8], "seed": seed, **fitting},
        },
        "learning_rate": {"type": "exp", "start_lr": 1e-3, "stop_lr": 1e-5, "decay_steps": 5},
        "loss": {"type": "ener", "start_pref_e": 0.02, "limit_pref_e": 1, "start_pref_f": 1000, "limit_pref_f": 1},
        "training": {
            "training_data": {"systems": systems, "batch_size": 2},
            "numb_steps": 5, "seed": seed, "disp_freq": 5, "save_freq": 5, "save_ckpt": f"model{seed}",
        },
    }  # fmt: skip


def write_plain(folder: Path, types: list[int], sets: list[int], cell: np.ndarray | None, seed: int, parameters: bool = False) -> None:
    """A system of one composition with made-up labels; atoms lie in several cells and are not sorted by type."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    (folder / "type.raw").write_text("".join(f"{t}\n" for t in types))
    (folder / "type_map.raw").write_text("\n".join(TYPE_MAP) + "\n")
    if cell is None:
        (folder / "nopbc").write_text("")
    sites = np.array([[x, y, z] for x in range(2) for y in range(2) for z in range(2)], dtype=float)[: len(types)]
    for k, frames in enumerate(sets):
        place = folder / f"set.{k:03d}"
        place.mkdir()
        fractions = sites[None] / 2 + random.normal(0, 0.03, (frames, len(types), 3))
        shape = 5.2 * np.eye(3) if cell is None else cell
        fractions = fractions if cell is None else fractions + random.integers(-2, 3, fractions.shape)
        np.save(place / "coord.npy", (fractions @ shape).reshape(frames, -1))
        if cell is not None:
            np.save(place / "box.npy", np.tile(shape.reshape(1, 9), (frames, 1)))
        np.save(place / "energy.npy", -10.5 * len(types) + random.normal(0, 1, frames))
        np.save(place / "force.npy", random.normal(0, 1, (frames, 3 * len(types))))
        np.save(place / "virial.npy", random.normal(0, 1, (frames, 9)))
        if parameters:
            np.save(place / "fparam.npy", random.normal(0, 1, (frames, 2)))
            np.save(place / "aparam.npy", random.normal(0, 1, (frames, len(types))))


def dp(arguments: str, work: Path) -> str:
    """One command; its messages without time stamps and warnings."""
    done = subprocess.run([sys.executable, str(Path(dpkit.__file__)), "--pt", *arguments.split()], cwd=work, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"dp {arguments}\n{done.stderr}")
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "DEEPMD INFO" in line]
    return "".join(re.sub(r"^\[.*?\] DEEPMD INFO {4}", "", line) + "\n" for line in lines)


def copy_without_code(source: Path, target: Path) -> None:
    """A TorchScript archive without the program in it: that is DeePMD-kit's, and nothing here reads it."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as new:
        for entry in old.infolist():
            if "/code/" not in entry.filename:
                new.writestr(entry.filename, old.read(entry))


def biases(model: Path, work: Path) -> dict:
    """Energy biases of a checkpoint."""
    import torch

    state = torch.load(work / model, weights_only=True)["model"]
    name = "model.Default.atomic_model."
    return {key: state[name + key].reshape(-1).tolist() for key in ("out_bias", "out_std")}


def evaluation(model: str, folder: Path) -> dict:
    """DeepPot.eval of one system with all its parameters."""
    from deepmd.infer import DeepPot

    pot = DeepPot(model)

    def array(name: str) -> np.ndarray | None:
        found = sorted(folder.glob(f"set.*/{name}.npy"))
        return np.concatenate([np.load(p) for p in found]) if found else None

    coord, types = array("coord"), np.loadtxt(folder / "type.raw", dtype=int)
    fparam, aparam = (array("fparam"), array("aparam")) if pot.get_dim_fparam() else (None, None)
    values = pot.eval(coord, array("box"), types, atomic=True, fparam=fparam, aparam=aparam)
    names = ("energy", "force", "virial", "atom_energy", "atom_virial")
    return {name: value.reshape(len(coord), -1).tolist() for name, value in zip(names, values)}


def main() -> None:
    data, output = Path(sys.argv[1]) / "train", Path(sys.argv[2])
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    cell = np.array([[5.2, 0.0, 0.0], [0.6, 5.0, 0.0], [-0.4, 0.7, 5.3]])
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_system(work / "data" / "mixed", frames_of(data / "n008", [0, 1, 2, 3]))
        write_plain(work / "data" / "plain", [1, 0, 3, 2, 1, 0, 0, 2], [2, 1], cell, 1, parameters=True)
        write_plain(work / "data" / "open", [3, 0, 1, 2, 1], [2], None, 2)
        write_plain(work / "single", [1, 0, 3, 2, 1, 0], [1], cell, 3)
        write_system(work / "virtual", frames_of(data / "n008", [0, 1], 10))
        systems = ["data/mixed", "data/plain", "data/open"]
        for seed in (1, 2):
            (work / "input.json").write_text(json.dumps(training(seed, {}, systems[1:])))
            dp("train input.json", work)
            dp(f"freeze -c model{seed}.pt -o frozen{seed}", work)
            dp(f"convert-backend frozen{seed}.pth frozen{seed}.dp", work)
        (work / "input.json").write_text(json.dumps(training(3, {"numb_fparam": 2, "numb_aparam": 1}, ["data/plain"])))
        dp("train input.json", work)
        dp("freeze -c model3.pt -o frozen3", work)
        dp("convert-backend frozen3.pth frozen3.dp", work)

        texts = {
            "show.txt": dp("show frozen1.pth type-map descriptor fitting-net size observed-type", work),
            "neighbor-stat.txt": dp("neighbor-stat -s data/mixed -r 5.0 -t Nb Mo Ta W", work),
            "neighbor-stat-mixed.txt": dp("neighbor-stat -s data/mixed -r 5.0 --mixed-type", work),
        }
        for system in systems:
            dp(f"eval-desc -m frozen1.pth -s {system} -o desc", work)
        flags = {
            "plain": "-s data", "atomic": "-s data/mixed -f 10 --atomic", "relative": "-s data/plain --relative 1.0",
            "relative-v": "-s single --relative_v 0.5", "real": "-s data/plain --real_error",
            "real-relative": "-s data/plain --real_error --relative 0.5 --atomic", "virtual": "-s virtual --atomic",
        }  # fmt: skip
        for key, text in flags.items():
            dp(f"model-devi -m frozen1.pth frozen2.pth {text} -o devi.{key}.out", work)
        changed = {}
        for key, text in {"change": "-s data/mixed", "set": "-s data/plain -m set", "values": "-b -1.5 -2 0.25 3"}.items():
            dp(f"change-bias model1.pt {text} -o changed.pt", work)
            changed[key] = {"arguments": text, **biases(Path("changed.pt"), work)}

        for path in [*work.glob("frozen*.dp"), *work.glob("devi.*.out")]:
            shutil.copy(path, output / path.name)
        for path in work.glob("frozen[13].pth"):
            copy_without_code(path, output / path.name)
        for folder in ("data", "single", "virtual", "desc"):
            shutil.copytree(work / folder, output / folder)
        for file, text in texts.items():
            (output / file).write_text(text)
        write_json(
            output / "figures.json",
            {
                "madeBy": "python reference/deepmd/model-commands.py examples/data/nbmotaw test/fixtures/deepmd/model-commands",
                "versions": dpkit.versions(),
                "modelDeviation": flags,
                "changeBias": changed,
                "evaluation": {
                    f"{model} {system}": evaluation(str(work / f"frozen{model}.pth"), work / system)
                    for model, system in ((1, "data/plain"), (1, "data/open"), (1, "single"), (3, "data/plain"))
                },
            },
        )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
