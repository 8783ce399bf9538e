"""What `dp --pt train` and `dp --pt test` write: console text, lcurve.out, out.json and detail files, from a few steps on the excerpt.

    python reference/deepmd/commands.py DATA OUTPUT

DATA is examples/data/nbmotaw, OUTPUT a folder that is written anew (test/fixtures/deepmd/cli). Everything runs in a scratch folder with
relative paths; the texts are DeePMD-kit's, unchanged but for the lines that describe the machine.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import dpkit
import numpy as np
from fixture import TYPE_MAP, frames_of, write_system

INPUT = {
    "model": {
        "type_map": TYPE_MAP,
        "descriptor": {
            "type": "se_atten", "sel": 30, "rcut": 4.5, "rcut_smth": 1.0, "neuron": [4, 8], "axis_neuron": 2, "attn": 8, "attn_layer": 1,
            "smooth_type_embedding": True, "seed": 1,
        },
        "fitting_net": {"neuron": [8, 8], "seed": 1},
    },
    "learning_rate": {"type": "exp", "start_lr": 1e-3, "stop_lr": 1e-5, "decay_steps": 5},
    "loss": {"type": "ener", "start_pref_e": 0.02, "limit_pref_e": 1, "start_pref_f": 1000, "limit_pref_f": 1},
    "training": {
        "training_data": {"systems": ["data/a", "data/b"], "batch_size": "auto"},
        "validation_data": {"systems": ["data/c"], "batch_size": 1, "numb_btch": 2},
        "numb_steps": 20, "seed": 1, "disp_freq": 5, "save_freq": 10, "_comment": "removed on reading",
    },
}  # fmt: skip


def dp(arguments: str, work: Path) -> str:
    """One command; what it printed, without the libraries' warnings and the banner about the machine."""
    script = Path(dpkit.__file__)
    done = subprocess.run([sys.executable, str(script), "--pt", *arguments.split()], cwd=work, capture_output=True, text=True)
    lines = [line for line in (done.stdout + done.stderr).splitlines(keepends=True) if "DEEPMD " in line]
    if done.returncode:
        sys.exit(done.stderr)
    lines = without_banner(lines)
    text = re.sub(r"^\[\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}\]", "[2026-01-01 00:00:00,000]", "".join(lines), flags=re.M)
    return re.sub(r"eta = .*", "eta = 0:00:01 at 2026-01-01 00:00", text)


def without_banner(lines: list[str]) -> list[str]:
    """Drops the lines between the first two rules: installation path, host, device, threads."""
    rules = [i for i, line in enumerate(lines) if re.search(r"INFO    -{60,}$", line)]
    return lines if not rules or "Installed to" not in lines[rules[0] + 1] else lines[: rules[0]] + lines[rules[1] + 1 :]


def main() -> None:
    data, output = Path(sys.argv[1]) / "train", Path(sys.argv[2])
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        write_system(work / "data" / "a", frames_of(data / "n002", list(range(40))))
        write_system(work / "data" / "b", frames_of(data / "n008", list(range(40))))
        write_system(work / "data" / "c", frames_of(data / "n016", list(range(6))))
        write_system(work / "virtual", frames_of(data / "n008", [0, 1], 10))
        energies = frames_of(data / "n008", [0, 1])
        energies.pop("force")
        write_system(work / "noforce", energies)
        labelled = frames_of(data / "n008", [0, 1])
        write_system(work / "virial", {**labelled, "virial": np.tile(np.arange(9.0), (2, 1))})

        (work / "input.json").write_text(json.dumps(INPUT, indent=2) + "\n")
        runs = {"train.log": dp("train input.json", work)}
        shutil.copy(work / "lcurve.out", output / "lcurve.out")
        shutil.copy(work / "out.json", output / "out.json")
        runs["test-one.log"] = dp("test -m model.ckpt.pt -s data/b -n 3 -d one", work)
        (work / "list.txt").write_text("data/a\ndata/b\n")
        runs["test-two.log"] = dp("test -m model.ckpt.pt -f list.txt -n 2 -d two", work)
        runs["test-virtual.log"] = dp("test -m model.ckpt.pt -s virtual -d virtual", work)
        runs["test-noforce.log"] = dp("test -m model.ckpt.pt -s noforce -d noforce", work)
        runs["test-virial.log"] = dp("test -m model.ckpt.pt -s virial -d virial", work)
        for detail in sorted(work.glob("*.out")):
            if detail.name != "lcurve.out":
                shutil.copy(detail, output / f"detail.{detail.name}")

        without = json.loads(json.dumps(INPUT))
        del without["training"]["validation_data"]
        without["training"]["disp_file"] = "lcurve-train.out"
        (work / "train-only.json").write_text(json.dumps(without))
        dp("train train-only.json", work)
        shutil.copy(work / "lcurve-train.out", output / "lcurve-train.out")
        without["training"]["numb_steps"] = 30
        (work / "train-only.json").write_text(json.dumps(without))
        runs["restart.log"] = dp("train train-only.json --restart model.ckpt.pt", work)
        shutil.copy(work / "lcurve-train.out", output / "lcurve-restart.out")
        shutil.copy(work / "input.json", output / "input.json")
    for file, text in runs.items():
        (output / file).write_text(text)
    made = "python reference/deepmd/commands.py examples/data/nbmotaw test/fixtures/deepmd/cli"
    (output / "README.md").write_text(
        f"# Console text and files of `dp --pt train` and `dp --pt test`\n\nMade by `{made}` with "
        + ", ".join(f"{k} {v}" for k, v in dpkit.versions().items())
        + ".\n\nSystems: data/a (2 atoms), data/b (8), data/c (16), virtual (8 real atoms and 2 of type -1 a frame), noforce (no force.npy), virial"
        "\n(a made-up virial.npy). `one`, `two`, … are the prefixes given to `dp test -d`. Time stamps are replaced, the banner about the"
        "\nmachine is cut.\n"
    )


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
