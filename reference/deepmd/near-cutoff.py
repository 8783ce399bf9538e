"""What a pair within 2e-4 angstrom of the cutoff does to DeePMD-kit's forces of ordinary water, and why.

    python reference/deepmd/near-cutoff.py WATER OUTPUT

WATER is deepmd-kit's `examples/water/data` (the shared deepmd-water), OUTPUT a folder (test/fixtures/deepmd): near-cutoff.json. The model has
the schema's flags: non-smooth attention with dotr, which multiplies weights by the cosine of two directions r = R / max(|R|, 1e-12), R being
the switched row of the environment matrix. Less than about 1.7e-4 angstrom from rcut |R| is below that floor, directions lose their length,
and the energy takes its step over that distance instead of at rcut: forces there are its slope. Three evaluations of each frame show it:

    shipped   DeePMD-kit as it is
    floored   with the switch in its stable form, (1 - u)^3 (1 + 3u + 6u^2), which is the same polynomial
    free      the same without the floor

For each the largest difference of the force on the two nearest atoms from the slope of the same energy is given. Only numbers that were
computed are kept, `free` whole.
"""

import base64
import sys
from pathlib import Path

import dpkit  # noqa: F401
import numpy as np
from energies import build
from fixture import header, write_json
from options import inline

DESCRIPTOR = {
    "type": "se_atten", "sel": 60, "rcut": 5.0, "rcut_smth": 0.5, "neuron": [2, 4, 8], "axis_neuron": 2, "attn": 4, "attn_layer": 1,
    "precision": "float64",
}  # fmt: skip
FITTING = {"neuron": [6, 6]}
FRAMES = [0, 2, 7, 10, 11]
STEP = 1e-6


def stable_switch(distance, rmin: float, rmax: float):
    import torch

    u = (torch.clamp(distance, min=rmin, max=rmax) - rmin) / (rmax - rmin)
    v = (rmax - torch.clamp(distance, min=rmin, max=rmax)) / (rmax - rmin)
    return v**3 * (1 + u * (3 + 6 * u))


def modes() -> dict:
    """Functions that put DeePMD-kit into each of the three states."""
    import torch
    from deepmd.pt.model.descriptor import env_mat

    switch, normalize = env_mat.compute_smooth_weight, torch.nn.functional.normalize

    def free(x, *rest, **more):
        return normalize(x, *rest, **{**more, "eps": 1e-100})

    def state(weight, unit):
        def enter() -> None:
            env_mat.compute_smooth_weight, torch.nn.functional.normalize = weight, unit

        return enter

    return {"shipped": state(switch, normalize), "floored": state(stable_switch, normalize), "free": state(stable_switch, free)}


def evaluate(model, coord, box, types) -> tuple[float, np.ndarray]:
    import torch

    x = torch.tensor(coord.reshape(1, -1, 3), requires_grad=True)
    out = model(x, torch.tensor(types[None]), box=torch.tensor(box.reshape(1, 9)))
    return out["energy"].item(), out["force"].detach().numpy().reshape(-1)


def nearest_pair(coord, box, rcut: float) -> tuple[int, int, float]:
    """The pair that is closest to the cutoff from within, and its distance from it."""
    x, cell = coord.reshape(-1, 3), box.reshape(3, 3)
    images = np.array([[a, b, c] for a in (-1, 0, 1) for b in (-1, 0, 1) for c in (-1, 0, 1)]) @ cell
    gap = rcut - np.linalg.norm((x[None] - x[:, None])[:, :, None] + images, axis=-1)
    gap[gap <= 0] = np.inf
    i, j, _ = np.unravel_index(np.argmin(gap), gap.shape)
    return int(i), int(j), float(gap[i, j].min())


def slopes(model, coord, box, types, indices) -> np.ndarray:
    """Minus the slope of the energy, to fourth order in the step."""
    found = []
    for k in indices:
        shifted = []
        for step in (-2, -1, 1, 2):
            moved = coord.copy()
            moved[k] += step * STEP
            shifted.append(evaluate(model, moved, box, types)[0])
        found.append((shifted[3] - 8 * shifted[2] + 8 * shifted[1] - shifted[0]) / (12 * STEP))
    return np.array(found)


def main() -> None:
    water, output = Path(sys.argv[1]), Path(sys.argv[2])
    result = header("near-cutoff.py ../shared/data/deepmd-water test/fixtures/deepmd", "Pairs close to the cutoff, float64")
    result["units"] = "eV, eV/angstrom, angstrom"
    coords, boxes = (np.load(water / "data_1/set.000" / f"{name}.npy").astype(np.float64) for name in ("coord", "box"))
    types = np.loadtxt(water / "data_1/type.raw", dtype=int)
    model = build(DESCRIPTOR, FITTING, {})
    model.eval()
    states = modes()
    result["system"], result["frames"] = "data_1", {}
    for frame in FRAMES:
        coord, box = coords[frame], boxes[frame]
        i, j, gap = nearest_pair(coord, box, DESCRIPTOR["rcut"])
        indices = [3 * a + axis for a in (i, j) for axis in range(3)]
        entry = {"atoms": [i, j], "belowCutoff": gap}
        for name, enter in states.items():
            enter()
            energy, force = evaluate(model, coord, box, types)
            error = np.abs(slopes(model, coord, box, types, indices) - force[indices]).max()
            entry[name] = {"energy": energy, "slopeError": float(error)}
            if name != "free":
                entry[name]["force"] = force[indices].tolist()
            else:
                entry[name]["force"] = base64.b64encode(force.astype("<f8").tobytes()).decode()
            print(frame, name, i, j, gap, energy, error, np.abs(force).max(), file=sys.stderr)
        result["frames"][str(frame)] = entry
    result["trees"] = {"se_atten": inline(model.serialize())}
    write_json(output / "near-cutoff.json", result)


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
