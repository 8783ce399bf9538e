"""Harmonics (sphericart, e3nn), tensor products (e3nn) and the spherical basis of DimeNet++ (torch_geometric), values and gradients.

    python bench/peers/equivariant.py [--threads 2]

Requests, all with "peer" and "repeats"; the answer is {"ms", "cpuMs", "sums"} of one call, sums of squares of the value and of each gradient:
  {"op": "harmonics", "count": n, "lmax": l}           unit harmonics of n vectors, f32, and the gradient for given cotangents
  {"op": "tensor_product", "edges": e, "mul": m, "lmax": l}   channel-wise product of m copies of every degree with the harmonics up to l
  {"op": "convolution", "edges": e, "nodes": n, "mul": m, "lmax": l}   the same with rows of nodes gathered and products summed into nodes
  {"op": "spherical_basis", "edges": e, "triplets": t}  7 x 6 functions of distances and angles
Inputs are sin(0.7 k + s) in float64 arithmetic, s telling them apart: the same as on our side.
"""

import argparse
import functools

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("--threads", type=int, default=2)
options = arguments.parse_args()

from importlib.metadata import version  # noqa: E402

import torch  # noqa: E402
from lines import allocator, serve, timed  # noqa: E402

torch.set_num_threads(options.threads)


def wave(seed: float, *shape: int) -> torch.Tensor:
    count = 1
    for n in shape:
        count *= n
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + seed).float().reshape(shape)


def harmonics(request: dict):
    count, lmax = request["count"], request["lmax"]
    x, g = wave(1, count, 3).requires_grad_(), wave(2, count, (lmax + 1) ** 2)
    if request["peer"] == "sphericart":
        import sphericart.torch

        run = sphericart.torch.SphericalHarmonics(lmax)
    else:
        from e3nn import o3

        run = functools.partial(o3.spherical_harmonics, list(range(lmax + 1)), normalize=True, normalization="integral")

    def work():
        y = run(x)
        return [y, *torch.autograd.grad(y, [x], g)]

    return work


def channel_wise(mul: int, lmax: int):
    from e3nn import o3

    sh = o3.Irreps.spherical_harmonics(lmax)
    hidden = o3.Irreps([(mul, ir) for _, ir in sh])
    out, instructions = [], []
    for i, (_, a) in enumerate(hidden):
        for j, (_, b) in enumerate(sh):
            for ir in a * b:
                if ir in hidden:
                    instructions.append((i, j, len(out), "uvu", True))
                    out.append((mul, ir))
    out, p, _ = o3.Irreps(out).sort()
    instructions = [(i, j, p[k], mode, weighted) for i, j, k, mode, weighted in instructions]
    return o3.TensorProduct(hidden, sh, out, instructions, shared_weights=False, internal_weights=False)


def tensor_product(request: dict):
    edges = request["edges"]
    tp = channel_wise(request["mul"], request["lmax"])
    sizes = (1, tp.irreps_in1.dim), (2, tp.irreps_in2.dim), (3, tp.weight_numel)
    variables = [wave(s, edges, n).requires_grad_() for s, n in sizes]
    g = wave(4, edges, tp.irreps_out.dim)

    def work():
        y = tp(*variables)
        return [y, *torch.autograd.grad(y, variables, g)]

    return work


def convolution(request: dict):
    edges, nodes = request["edges"], request["nodes"]
    tp = channel_wise(request["mul"], request["lmax"])
    k = torch.arange(edges)
    source, target = (k * 7919) % nodes, (k * nodes) // edges
    x = wave(1, nodes, tp.irreps_in1.dim).requires_grad_()
    y, w = (wave(s, edges, n).requires_grad_() for s, n in ((2, tp.irreps_in2.dim), (3, tp.weight_numel)))
    g = wave(4, nodes, tp.irreps_out.dim)

    def work():
        out = torch.zeros_like(g).index_add(0, target, tp(x[source], y, w))
        return [out, *torch.autograd.grad(out, [x, y, w], g)]

    return work


def spherical_basis(request: dict):
    from torch_geometric.nn.models.dimenet import SphericalBasisLayer

    edges, triplets = request["edges"], request["triplets"]
    layer = SphericalBasisLayer(7, 6, cutoff=5.0, envelope_exponent=5)
    d = (2.9 + 2 * wave(1, edges)).requires_grad_()
    angle = (1.57 + 1.5 * wave(2, triplets)).requires_grad_()
    index = (torch.arange(triplets) * 9973) % edges
    g = wave(3, triplets, 42)

    def work():
        y = layer(d, angle, index)
        return [y, *torch.autograd.grad(y, [d, angle], g)]

    return work


OPS = {"harmonics": harmonics, "tensor_product": tensor_product, "convolution": convolution, "spherical_basis": spherical_basis}


@functools.lru_cache(maxsize=4)
def prepared(op: str, items: tuple):
    work = OPS[op](dict(items))
    return work, [float(t.detach().double().pow(2).sum()) for t in work()]


def answer(request: dict) -> dict:
    request = dict(request)
    repeats = int(request.pop("repeats", 1))
    work, sums = prepared(request["op"], tuple(sorted(request.items())))
    # sphericart numbers the components in another order, so that the cotangents mean something else: only the value compares.
    return {**timed(work, repeats), "sums": sums[:1] if request.get("peer") == "sphericart" else sums}


versions = {name: version(package) for name, package in
            {"sphericart": "sphericart-torch", "e3nn": "e3nn", "torch_geometric": "torch-geometric", "torch": "torch"}.items()}  # fmt: skip
serve({"peer": "e3nn", "versions": versions, "threads": torch.get_num_threads(), "allocator": allocator()}, answer)
