"""The shipped excerpts of QM9, rMD17 and the Materials Project: whole records, copied as they stand, every so many.

    python reference/formats/cut_examples.py ../shared/data examples/data

Python alone. Each folder's README.md says source, licence and units.
"""

import csv
import gzip
import io
import sys
from pathlib import Path


def frames(text: str) -> list[str]:
    """The frames of an (ext)xyz file as texts."""
    lines, found, at = text.splitlines(keepends=True), [], 0
    while at < len(lines):
        end = at + 2 + int(lines[at])
        found.append("".join(lines[at:end]))
        at = end
    return found


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode())
    print(path, len(text.encode()))


def main(source: Path, target: Path) -> None:
    molecules = frames((source / "qm9-100" / "qm9_100.extxyz").read_text())
    write(target / "qm9" / "qm9.extxyz", "".join(molecules[::2]))
    ethanol = frames((source / "rmd17-ethanol" / "rmd17_ethanol.extxyz").read_text())
    write(target / "rmd17" / "ethanol.extxyz", "".join(ethanol[::40]))
    rows = list(csv.reader(io.StringIO(gzip.open(source / "mp_20" / "test.csv.gz", "rt", newline="").read())))
    out = io.StringIO(newline="")
    csv.writer(out, lineterminator="\n").writerows([rows[0], *rows[1::300]])
    write(target / "mp_20" / "mp_20.csv", out.getvalue())


main(Path(sys.argv[1]), Path(sys.argv[2]))
