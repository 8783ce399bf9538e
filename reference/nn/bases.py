"""Writes bases.json: zeros and derivatives of spherical Bessel functions, Legendre functions, radial bases and cutoffs in 40-digit arithmetic
(mpmath), and the bases of torch_geometric and e3nn in float64.

    python reference/nn/bases.py test/fixtures/nn      (made with mpmath 1.3.0, torch_geometric 2.8.1, e3nn 0.6.0, torch 2.13.0)
"""

import json
import sys
from importlib.metadata import version
from pathlib import Path

import mpmath as mp
import torch
from e3nn import math
from torch_geometric.nn.models.dimenet import BesselBasisLayer, SphericalBasisLayer

mp.mp.dps = 40
torch.set_default_dtype(torch.float64)
DEGREES, RADIALS = 12, 4


def j(l, z):
    return mp.sqrt(mp.pi / (2 * z)) * mp.besselj(l + mp.mpf(1) / 2, z)


def zeros():
    rows = [[mp.pi * n for n in range(1, RADIALS + DEGREES + 1)]]
    for l in range(1, DEGREES):
        above = rows[-1]
        rows.append([mp.findroot(lambda z: j(l, z), pair, solver="anderson", tol=1e-60) for pair in zip(above, above[1:])])
    return [row[:RADIALS] for row in rows]


def u(x, p=6):
    if x >= 1:
        return mp.mpf(0)
    return 1 - (p + 1) * (p + 2) * x**p / 2 + p * (p + 2) * x ** (p + 1) - p * (p + 1) * x ** (p + 2) / 2


def switch(r, smooth, cutoff):
    v = min(max((r - smooth) / (cutoff - smooth), mp.mpf(0)), mp.mpf(1))
    return v**3 * (-6 * v**2 + 15 * v - 10) + 1


def with_derivatives(f, points):
    """[f, f', f''] at each point, by differences in 40 digits."""
    return [[float(mp.chop(mp.diff(f, mp.mpf(x), k), 1e-15)) for k in range(3)] for x in points]


z = zeros()
norms = [[mp.sqrt(2) / abs(j(l + 1, value)) for value in row] for l, row in enumerate(z)]
distances = [0.02, 0.13, 0.3, 0.55, 0.81, 0.97]
cosines = [-1.0, -0.6, 0.1, 0.540302305868139765, 0.95, 1.0]
out = {
    "made_with": {name: version(name) for name in ("mpmath", "torch", "torch_geometric", "e3nn")},
    "zeros": [[float(v) for v in row] for row in z],
    "norms": [[float(v) for v in row] for row in norms],
    "x": distances,
    "spherical": [[with_derivatives(lambda x: u(x) / x * norms[l][n] * j(l, z[l][n] * x), distances) for n in range(RADIALS)] for l in range(DEGREES)],
    "t": cosines,
    "legendre": [with_derivatives(lambda t: mp.sqrt((2 * l + 1) / (4 * mp.pi)) * mp.legendre(l, t), cosines) for l in range(DEGREES)],
    "frequencies": [3.2, 6.1],
    "radial": [with_derivatives(lambda x: u(x) / x * mp.sin(mp.mpf(f) * x), distances) for f in (3.2, 6.1)],
    "radialFrequency": [[float(u(mp.mpf(x)) * mp.cos(mp.mpf(f) * x)) for x in distances] for f in (3.2, 6.1)],
    "envelope": {str(p): with_derivatives(lambda x: u(x, p), distances) for p in (2, 5, 6)},
    "cosine": with_derivatives(lambda x: (1 + mp.cos(mp.pi * x)) / 2, distances),
    "switch": with_derivatives(lambda x: switch(x, mp.mpf("0.25"), mp.mpf("0.9")), [0.1, 0.3, 0.55, 0.81, 0.95]),
}

# Nearer than this the closed forms of torch_geometric lose digits even in float64.
d = (0.8 + 0.45 * torch.arange(11)).requires_grad_()
angle = (0.2 + 0.19 * torch.arange(15)).requires_grad_()
edges = (torch.arange(15) * 7) % 11
layer = SphericalBasisLayer(7, 6, cutoff=5.0, envelope_exponent=5)
y = layer(d, angle, edges)
g = torch.sin(0.7 * torch.arange(y.numel()) + 0.3).reshape(y.shape)
gradients = torch.autograd.grad((y * g).sum(), [d, angle])
radial = BesselBasisLayer(6, cutoff=5.0, envelope_exponent=5)
r = radial(d)
(slope,) = torch.autograd.grad((r * g.flatten()[: r.numel()].reshape(r.shape)).sum(), [d])
out["pyg"] = {
    "d": d.tolist(),
    "angle": angle.tolist(),
    "edges": edges.tolist(),
    "spherical": y.tolist(),
    "distanceGradient": gradients[0].tolist(),
    "angleGradient": gradients[1].tolist(),
    "radial": r.tolist(),
    "radialGradient": slope.tolist(),
}

points = torch.tensor([0.11, 0.47, 0.93, 1.31, 1.66])
out["soft"] = []
for basis in ("gaussian", "cosine", "smooth_finite", "fourier", "bessel"):
    for cutoff in (True, False):
        x = points.clone().requires_grad_()
        y = math.soft_one_hot_linspace(x, 0.0, 1.8, 4, basis, cutoff)
        (first,) = torch.autograd.grad((y * torch.tensor([1.0, 2.0, 3.0, 4.0])).sum(), x, create_graph=True)
        (second,) = torch.autograd.grad(first.sum(), x)
        out["soft"].append({"basis": basis, "cutoff": cutoff, "y": y.tolist(), "first": first.tolist(), "second": second.tolist()})
out["softPoints"] = points.tolist()

Path(sys.argv[1], "bases.json").write_text(json.dumps(out, separators=(",", ":")))
