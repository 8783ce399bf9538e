"""Writes modules.json: random modules and functions with values, gradients and second derivatives as e3nn gives them, and the
algebra of random irreps.

    python reference/equivariant/modules.py test/fixtures/equivariant [FACTOR [SEED]]      (made with e3nn 0.6.0, torch 2.13.0)

FACTOR: how many times as many cases.
"""

import json
import random
import sys
from pathlib import Path

import e3nn
import torch
from e3nn import math, nn, o3

torch.set_default_dtype(torch.float64)
factor = int(sys.argv[2]) if len(sys.argv) > 2 else 1
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 23
rng = random.Random(seed)
torch.manual_seed(seed)
ACTS = {"relu": torch.relu, "silu": torch.nn.functional.silu, "tanh": torch.tanh, "abs": torch.abs, "sigmoid": torch.sigmoid}


def irreps(entries=3, mul=3, lmax=2, least=1):
    return "+".join(
        f"{rng.randint(least, mul)}x{rng.randint(0, lmax)}{rng.choice('eo')}" for _ in range(rng.randint(1, entries))
    )


def scalars():
    parts = [(rng.randint(1, 3), rng.choice("eo")) for _ in range(rng.randint(1, 3))]
    acts = [rng.choice(["tanh", "abs"] if p == "o" else list(ACTS)) for _, p in parts]
    return "+".join(f"{m}x0{p}" for m, p in parts), acts, sum(m for m, _ in parts)


def number(t):
    return {"shape": list(t.shape), "data": t.detach().flatten().tolist()}


def derivatives(f, *variables):
    """The value, gradients with a cotangent, and gradients of the sum of sin(gradient): all of them differ from zero."""
    variables = [v.requires_grad_() for v in variables]
    out = f(*variables)
    cotangent = torch.randn(out.shape)
    zeros = lambda found: [torch.zeros_like(v) if g is None else g for g, v in zip(found, variables)]  # noqa: E731
    total = (out * cotangent).sum()
    none = [None] * len(variables)
    take = lambda s, **k: torch.autograd.grad(s, variables, allow_unused=True, **k) if s.requires_grad else none  # noqa: E731
    first = zeros(take(total, create_graph=True))
    second = zeros(take(sum(torch.sin(g + 0.5).sum() for g in first)))
    return {
        "inputs": [number(v) for v in variables],
        "cotangent": number(cotangent),
        "out": number(out),
        "first": [number(g) for g in first],
        "second": [number(g) for g in second],
    }


def algebra():
    text = irreps(6, least=0)
    i = o3.Irreps(text)
    s = i.sort()
    start, stop = sorted(rng.sample(range(0, i.num_irreps + 2), 2))
    return {
        "text": text, "printed": str(i), "dim": i.dim, "numIrreps": i.num_irreps, "ls": i.ls, "simplify": str(i.simplify()),
        "sort": [str(s.irreps), list(s.p), list(s.inv)], "regroup": str(i.regroup()),
        "removeZeroMultiplicities": str(i.remove_zero_multiplicities()), "slices": [[x.start, x.stop] for x in i.slices()],
        "sliceByMul": [start, stop, str(i.slice_by_mul[start:stop])], "slice": [str(i[1:]), str(i[:-1]), str(i[-2:])],
        "repeat": str(i * 2), "lmax1": str(i.filter(lmax=1)), "count": i.count("1o"),
    }  # fmt: skip


def tensor_square():
    text, normalization = irreps(), rng.choice(["component", "norm", "none"])
    out = irreps() if rng.random() < 0.5 else None
    kept = None if out or rng.random() < 0.5 else ["0e", "1e", "2e", "1o"]
    m = o3.TensorSquare(text, out, kept, normalization, **({"internal_weights": False} if out else {}))
    if m.irreps_out.dim == 0 or (out and m.weight_numel == 0):
        return tensor_square()
    weights = [torch.randn(m.weight_numel)] if m.weight_numel else []
    options = {"irrepsOut": out, "filterIrOut": kept, "irrepNormalization": normalization}
    return {
        "irreps": text, "options": {k: v for k, v in options.items() if v is not None},
        "printed": [str(m), str(m.instructions), str(m.irreps_out)], **derivatives(m, torch.randn(2, m.irreps_in.dim), *weights),
    }  # fmt: skip


def gate():
    s, s_acts, _ = scalars()
    g, g_acts, left = scalars()
    gated = []
    while left:
        mul = rng.randint(1, left)
        gated.append(f"{mul}x{rng.randint(0, 2)}{rng.choice('eo')}")
        left -= mul
    gated = "+".join(gated)
    m = nn.Gate(s, [ACTS[a] for a in s_acts], g, [ACTS[a] for a in g_acts], gated)
    printed = [str(m), str(m.irreps_in), str(m.irreps_out)]
    return {"given": [s, s_acts, g, g_acts, gated], "printed": printed, **derivatives(m, torch.randn(2, 3, m.irreps_in.dim))}


def activation():
    text, acts, _ = scalars()
    text += "+2x1o"
    m = nn.Activation(text, [ACTS[a] for a in acts] + [None])
    return {"irreps": text, "acts": acts, "printed": [str(m), str(m.irreps_out)], **derivatives(m, torch.randn(4, m.irreps_in.dim))}


def norm():
    text, squared = irreps(), rng.random() < 0.5
    m = o3.Norm(text, squared=squared)
    return {"irreps": text, "squared": squared, "printed": [str(m), str(m.irreps_out)], **derivatives(m, torch.randn(4, m.irreps_in.dim))}


def norm_activation():
    text, act, epsilon = irreps(), rng.choice(["sigmoid", "tanh"]), rng.choice([None, 0.5])
    m = nn.NormActivation(text, ACTS[act], epsilon=epsilon)
    return {"irreps": text, "act": act, "epsilon": epsilon, **derivatives(m, torch.randn(4, o3.Irreps(text).dim))}


def batch_norm():
    text = irreps()
    given = {
        "eps": rng.choice([1e-5, 1e-3]), "momentum": rng.choice([0.1, 0.3]), "affine": rng.random() < 0.7,
        "reduce": rng.choice(["mean", "max"]), "instance": rng.random() < 0.4,
        "normalization": rng.choice(["norm", "component"]), "include_bias": rng.random() < 0.7,
    }  # fmt: skip
    m, fresh = nn.BatchNorm(text, **given), nn.BatchNorm(text, **given)
    with torch.no_grad():
        for p in m.parameters():
            p.normal_()
    state = {k: number(v) for k, v in m.state_dict().items()}
    x = torch.randn(3, 4, m.irreps.dim)
    made = derivatives(m, x)
    fresh(x)
    running = {k: number(v) for k, v in fresh.state_dict().items() if k.startswith("running")}
    fresh.eval()
    return {"irreps": text, "options": given, "printed": str(m), "state": state, "running": running, "evaluated": number(fresh(x)), **made}


def fully_connected_net():
    widths, act = [rng.randint(1, 5) for _ in range(rng.randint(2, 4))], rng.choice(list(ACTS))
    given = {"variance_in": rng.choice([1, 2]), "variance_out": rng.choice([1, 3]), "out_act": rng.random() < 0.5}
    m = nn.FullyConnectedNet(widths, ACTS[act], **given)
    state = {k: number(v) for k, v in m.state_dict().items()}
    printed = [str(m), *[str(layer) for layer in m]]
    return {"widths": widths, "act": act, "options": given, "printed": printed, "state": state, **derivatives(m, torch.randn(3, widths[0]))}


def harmonics(l, normalize, normalization, irreps_in=None):
    m = o3.SphericalHarmonics(l, normalize, normalization, irreps_in)
    return {
        "l": l, "normalize": normalize, "normalization": normalization, "irrepsIn": irreps_in,
        "printed": [str(m.irreps_in), str(m.irreps_out)], **derivatives(m, torch.randn(3, 3)),
    }  # fmt: skip


def basis(name, cutoff, count):
    f = lambda x: math.soft_one_hot_linspace(x, 0.2, 2.7, count, name, cutoff)  # noqa: E731
    return {"basis": name, "cutoff": cutoff, "number": count, **derivatives(f, torch.rand(3, 2) * 3 + 0.3)}


def several(make, count):
    return [make() for _ in range(count * factor)]


made = {
    "made_with": {"e3nn": e3nn.__version__, "torch": torch.__version__, "seed": seed},
    "algebra": several(algebra, 25),
    "squares": several(tensor_square, 8),
    "gates": several(gate, 6),
    "activations": several(activation, 3),
    "norms": several(norm, 4),
    "normActivations": several(norm_activation, 4),
    "batchNorms": several(batch_norm, 10),
    "networks": several(fully_connected_net, 4),
    "harmonics": [
        *[harmonics(l, n, "component") for l in ["0e+1o+2e", "2x1e+2e+0e", [3, 0, 2], 4] for n in (True, False)],
        harmonics("3o", True, "norm"), harmonics("3o", False, "integral"), harmonics("0e+2e", True, "norm", "1e"),
        harmonics([0, 1, 2], True, "norm", "1e"),
    ],
    "bases": [
        basis(name, cutoff, count)
        for count in (2, 5)
        for name in ["gaussian", "cosine", "smooth_finite", "fourier", "bessel"]
        for cutoff in (True, False)
    ],
    "bessel": derivatives(lambda x: math.bessel(x, 3, 1.7), torch.rand(4, 1) + 0.1),
    "besselAtZero": number(math.bessel(torch.tensor([0.3, 0.0]), 3)),
    "softUnitStep": derivatives(math.soft_unit_step, torch.linspace(-1, 2, 13)),
}  # fmt: skip
Path(sys.argv[1], "modules.json").write_text(json.dumps(made) + "\n")
