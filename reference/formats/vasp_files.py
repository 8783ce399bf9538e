"""Small files in the layout of VASP (numbers are made up, nothing is computed) and what ASE and pymatgen read from them.

    python reference/formats/vasp_files.py test/fixtures/formats/vasp

Writes OUTCAR, vasprun.xml and XDATCAR of three ionic steps of a skewed cell with two elements, and expected.json.
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import ase.io
import numpy as np
from pymatgen.io.vasp.outputs import Vasprun, Xdatcar

SYMBOLS, COUNTS = ["Ti", "O"], [2, 3]
STEPS = 3
rng = np.random.default_rng(6)


def steps() -> list[dict]:
    found = []
    cell = np.array([[4.6, 0.0, 0.0], [-0.3, 4.9, 0.0], [0.2, -0.4, 6.1]])
    fractions = rng.random((sum(COUNTS), 3))
    for k in range(STEPS):
        strained = np.round(cell * (1 + 0.01 * k), 8)
        moved = np.round(fractions + 0.01 * rng.standard_normal(fractions.shape), 8)
        stress = rng.standard_normal((3, 3)) * 40
        energy = -45.0 + rng.standard_normal()
        found.append(
            {
                "cell": strained,
                "fractions": moved,
                "forces": np.round(rng.standard_normal(moved.shape), 6),
                "kilobar": np.round((stress + stress.T) / 2, 5),
                "energies": [round(energy, 8), round(energy + 0.02, 8), round(energy + 0.01, 8)],
            }
        )
    return found


def row(values, width: int, decimals: int) -> str:
    return "".join(f"{x:{width}.{decimals}f}" for x in values)


def outcar(frames: list[dict]) -> str:
    out = [" vasp.6.3.0 20Jan22 (build Feb 16 2022 17:18:48) complex", ""]
    out += [f" POTCAR:    PAW_PBE {s} 08Apr2002                 " for s in SYMBOLS] * 2
    for s in SYMBOLS:
        out += [f"   VRHFIN ={s}: d3 s1", f"   TITEL  = PAW_PBE {s}_pv 08Apr2002" if s == "Ti" else f"   TITEL  = PAW_PBE {s} 08Apr2002"]
    out += [f"   number of dos      NEDOS =    301   number of ions     NIONS = {sum(COUNTS):6d}"]
    out += ["   ions per type =            " + "".join(f"{n:4d}" for n in COUNTS)]
    for k, f in enumerate(frames, 1):
        reciprocal = np.linalg.inv(f["cell"]).T
        out += ["", f"--------------------------------------- Iteration {k:6d}(   1)  ---------------------------------------"]
        out += [f"  free energy    TOTEN  = {f['energies'][0] + 1:19.8f} eV", ""]
        out += [f"  energy without entropy = {f['energies'][1] + 1:19.8f}  energy(sigma->0) = {f['energies'][2] + 1:19.8f}", ""]
        out += ["  FORCE on cell =-STRESS in cart. coord.  units (eV):"]
        out += ["  Direction    XX          YY          ZZ          XY          YZ          ZX"]
        s = f["kilobar"]
        out += ["  in kB  " + row([s[0, 0], s[1, 1], s[2, 2], s[0, 1], s[1, 2], s[2, 0]], 12, 5)]
        out += ["  external pressure =        1.00 kB  Pullay stress =        0.00 kB", "", " VOLUME and BASIS-vectors are now :"]
        out += [f"  volume of cell : {abs(np.linalg.det(f['cell'])):12.2f}", "      direct lattice vectors                 reciprocal lattice vectors"]
        out += [" " + row(a, 13, 9) + row(b, 13, 9) for a, b in zip(f["cell"], reciprocal)]
        out += ["", " POSITION                                       TOTAL-FORCE (eV/Angst)", " " + "-" * 83]
        out += [row(p, 13, 5) + " " + row(g, 14, 6) for p, g in zip(f["fractions"] @ f["cell"], f["forces"])]
        out += [" " + "-" * 83, "    total drift:                                0.000000      0.000000      0.000000", ""]
        out += ["  FREE ENERGIE OF THE ION-ELECTRON SYSTEM (eV)", "  " + "-" * 51]
        out += [f"  free  energy   TOTEN  = {f['energies'][0]:17.8f} eV", ""]
        out += [f"  energy  without entropy={f['energies'][1]:17.8f}  energy(sigma->0) ={f['energies'][2]:17.8f}", ""]
    out += ["", " General timing and accounting informations for this job:", ""]
    return "\n".join(out)


def varray(name: str, rows, indent: str) -> list[str]:
    return [f'{indent}<varray name="{name}" >', *(f"{indent} <v>{row(r, 17, 8)} </v>" for r in rows), f"{indent}</varray>"]


def structure(f: dict, head: str) -> list[str]:
    return [
        f"  <structure{head}>",
        "   <crystal>",
        *varray("basis", f["cell"], "    "),
        f'    <i name="volume"> {abs(np.linalg.det(f["cell"])):16.8f} </i>',
        *varray("rec_basis", np.linalg.inv(f["cell"]).T, "    "),
        "   </crystal>",
        *varray("positions", f["fractions"], "   "),
        "  </structure>",
    ]


def energy(values: list[float], indent: str) -> list[str]:
    names = ["e_fr_energy", "e_wo_entrp", "e_0_energy"]
    return [f"{indent}<energy>", *(f'{indent} <i name="{n}">{v:17.8f} </i>' for n, v in zip(names, values)), f"{indent}</energy>"]


def vasprun(frames: list[dict]) -> str:
    species = [s for s, n in zip(SYMBOLS, COUNTS) for _ in range(n)]
    out = ['<?xml version="1.0" encoding="ISO-8859-1"?>', "<modeling>", " <generator>"]
    out += ['  <i name="program" type="string">vasp </i>', '  <i name="version" type="string">6.3.0  </i>', " </generator>"]
    out += [" <incar>", '  <i type="int" name="IBRION">     2</i>', "  <i name=\"SYSTEM\" type=\"string\"> a &lt; b</i>", " </incar>"]
    out += [" <kpoints>", '  <generation param="Gamma">', '   <v type="int" name="divisions">       1        1        1 </v>', "  </generation>"]
    out += varray("kpointlist", [[0, 0, 0]], "  ") + ['  <varray name="weights" >', "   <v>       1.00000000 </v>", "  </varray>", " </kpoints>"]
    out += [" <parameters>", '  <separator name="electronic" >', '   <i name="ENMAX">    400.00000000</i>', '   <i name="NELM" type="int">    60</i>', "  </separator>", " </parameters>"]
    out += [" <atominfo>", f"  <atoms>{len(species):8d} </atoms>", "  <types>       2 </types>"]
    out += ['  <array name="atoms" >', '   <dimension dim="1">ion</dimension>', '   <field type="string">element</field>', '   <field type="int">atomtype</field>', "   <set>"]
    out += [f"    <rc><c>{s:2s}</c><c>{SYMBOLS.index(s) + 1:4d}</c></rc>" for s in species] + ["   </set>", "  </array>"]
    out += ['  <array name="atomtypes" >', '   <dimension dim="1">type</dimension>', '   <field type="int">atomspertype</field>', '   <field type="string">element</field>', '   <field>mass</field>', "   <field>valence</field>", '   <field type="string">pseudopotential</field>', "   <set>"]
    out += [f"    <rc><c>{n:4d}</c><c>{s:2s}</c><c>     10.00000000</c><c>      4.00000000</c><c>  PAW_PBE {s} 08Apr2002                 </c></rc>" for s, n in zip(SYMBOLS, COUNTS)]
    out += ["   </set>", "  </array>", " </atominfo>"]
    out += structure(frames[0], ' name="initialpos" ')
    for f in frames:
        out += [" <calculation>", "  <scstep>", *energy(f["energies"], "   "), "  </scstep>", *structure(f, "")]
        out += varray("forces", f["forces"], "  ") + varray("stress", f["kilobar"], "  ") + energy(f["energies"], "  ") + [" </calculation>"]
    out += structure(frames[-1], ' name="finalpos" ') + ["</modeling>", ""]
    return "\n".join(out)


def xdatcar(frames: list[dict]) -> str:
    out = []
    for k, f in enumerate(frames, 1):
        out += ["titania", "           1", *(" " + row(a, 12, 6) for a in f["cell"])]
        out += ["   " + "   ".join(SYMBOLS), "".join(f"{n:6d}" for n in COUNTS), f"Direct configuration= {k:5d}"]
        out += [" " + row(r, 12, 8) for r in f["fractions"]]
    return "\n".join(out) + "\n"


def of_ase(path: Path) -> list[dict]:
    frames = []
    for atoms in ase.io.read(path, index=":"):
        found = {"numbers": atoms.numbers.tolist(), "cell": atoms.cell.array.ravel().tolist(), "positions": atoms.positions.ravel().tolist()}
        if atoms.calc is not None:
            found["free_energy"] = atoms.get_potential_energy(force_consistent=True)
            found["energy_sigma0"] = atoms.get_potential_energy()
            found["forces"] = atoms.get_forces().ravel().tolist()
            found["stress"] = atoms.get_stress(voigt=False).ravel().tolist()
        frames.append(found)
    return frames


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    frames = steps()
    for name, text in {"OUTCAR": outcar(frames), "vasprun.xml": vasprun(frames), "XDATCAR": xdatcar(frames)}.items():
        (folder / name).write_text(text)
    run = Vasprun(folder / "vasprun.xml", parse_dos=False, parse_eigen=False, parse_potcar_file=False)
    pymatgen = {
        "vasprun.xml": [
            {"free_energy": s["e_fr_energy"], "forces": np.ravel(s["forces"]).tolist(), "positions": s["structure"].cart_coords.ravel().tolist()}
            for s in run.ionic_steps
        ],
        "XDATCAR": [{"positions": s.cart_coords.ravel().tolist()} for s in Xdatcar(folder / "XDATCAR").structures],
    }
    expected = {
        "command": "python reference/formats/vasp_files.py test/fixtures/formats/vasp",
        "versions": {name: version(name) for name in ["ase", "pymatgen", "numpy"]},
        "ase": {name: of_ase(folder / name) for name in ["OUTCAR", "vasprun.xml", "XDATCAR"]},
        "pymatgen": pymatgen,
    }
    (folder / "expected.json").write_text(json.dumps(expected, separators=(",", ":")) + "\n")


main(Path(sys.argv[1]))
