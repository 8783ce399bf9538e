"""Writes core.json: 3j tensors, rotation matrices, harmonics with derivatives and radial bases as e3nn gives them.

    python reference/equivariant/core.py test/fixtures/equivariant      (made with e3nn 0.6.0, torch 2.13.0)
"""

import json
import sys
from pathlib import Path

import e3nn
import torch
from e3nn import math, o3

torch.set_default_dtype(torch.float64)
torch.manual_seed(5)
out = {"made_with": {"e3nn": e3nn.__version__, "torch": torch.__version__}}

triples = [(a, b, c) for a in range(4) for b in range(4) for c in range(abs(a - b), a + b + 1)]
triples += [(4, 4, 4), (5, 4, 6), (2, 6, 8), (6, 6, 6)]
out["wigner_3j"] = [
    {"l": l, "indices": w.nonzero().T.tolist(), "values": w[w != 0].tolist()}
    for l in triples
    for w in [o3.wigner_3j(*l).where(o3.wigner_3j(*l).abs() > 1e-12, torch.tensor(0.0))]
]

angles = o3.rand_angles(6)
out["rotations"] = {
    "angles": [a.tolist() for a in angles],
    "matrix": o3.angles_to_matrix(*angles).tolist(),
    "quaternion": o3.angles_to_quaternion(*angles).tolist(),
    "D": {str(l): o3.wigner_D(l, *angles).tolist() for l in (0, 1, 2, 3, 6, 11)},
}
R = -o3.angles_to_matrix(*[a[0] for a in angles])
out["parity"] = {"R": R.tolist(), "D": o3.Irreps("2x0o+1e+2o+1x3o").D_from_matrix(R).tolist()}

x = torch.randn(4, 3)
harmonics = []
for lmax, normalize, normalization in [
    (11, True, "component"),
    (8, False, "component"),
    (3, True, "integral"),
    (3, False, "integral"),
    (3, True, "norm"),
    (4, False, "norm"),
]:
    v = x.clone().requires_grad_()
    y = o3.spherical_harmonics(list(range(lmax + 1)), v, normalize, normalization)
    g = torch.sin(torch.arange(y.numel()) * 0.7 + 0.3).reshape(y.shape)
    (d,) = torch.autograd.grad((y * g).sum(), v, create_graph=True)
    (dd,) = torch.autograd.grad((d**2).sum(), v)
    harmonics.append(
        {
            "lmax": lmax,
            "normalize": normalize,
            "normalization": normalization,
            "y": y.tolist(),
            "gradient": d.tolist(),
            "second": dd.tolist(),
        }
    )
out["harmonics"] = {"x": x.tolist(), "cases": harmonics}

r = torch.linspace(-0.3, 2.43, 19)
bases = []
for basis in ["gaussian", "cosine", "smooth_finite", "fourier", "bessel"]:
    for cutoff in [True, False]:
        v = r.clone().requires_grad_()
        y = math.soft_one_hot_linspace(v, 0.1, 1.8, 5, basis, cutoff)
        (d,) = torch.autograd.grad((y * torch.arange(1.0, 6.0)).sum(), v)
        bases.append({"basis": basis, "cutoff": cutoff, "y": y.tolist(), "gradient": d.tolist()})
out["radial"] = {"r": r.tolist(), "start": 0.1, "end": 1.8, "number": 5, "cases": bases}

Path(sys.argv[1], "core.json").write_text(json.dumps(out) + "\n")
