"""Writes products.json: tensor products of random wirings with values, gradients and second derivatives as e3nn gives them.

    python reference/equivariant/products.py test/fixtures/equivariant [NUMBER [SEED]]      (made with e3nn 0.6.0, torch 2.13.0)
"""

import json
import random
import sys
from pathlib import Path

import e3nn
import torch
from e3nn import o3

torch.set_default_dtype(torch.float64)
number = int(sys.argv[2]) if len(sys.argv) > 2 else 28
seed = int(sys.argv[3]) if len(sys.argv) > 3 else 11
rng = random.Random(seed)
torch.manual_seed(seed)
MODES = ["uvw", "uvu", "uvv", "uuw", "uuu", "uvuv", "uvu<v", "u<vw"]


def irreps(lmax=2, entries=2, mul=3):
    return [(rng.randint(1, mul), (rng.randint(0, lmax), rng.choice([1, -1]))) for _ in range(rng.randint(1, entries))]


def wiring():
    """Two inputs, an output built path by path so that multiplicities fit."""
    in1, in2 = irreps(3), irreps()
    mul = rng.randint(2, 3)
    in1.append((mul, (1, rng.choice([1, -1]))))
    in2.append((mul, (rng.randint(0, 2), rng.choice([1, -1]))))
    a, b = o3.Irreps(in1), o3.Irreps(in2)
    out, instructions = [], []
    for _ in range(rng.randint(1, 4)):
        mode = rng.choice(MODES)
        i, j = rng.randrange(len(a)), rng.randrange(len(b))
        if mode in ("uuw", "uuu", "uvu<v", "u<vw"):
            i, j = len(a) - 1, len(b) - 1
        m1, m2 = a[i].mul, b[j].mul
        ir = rng.choice(list(a[i].ir * b[j].ir))
        weighted = mode in ("uvw", "u<vw") or rng.random() < 0.6
        free = rng.randint(1, 3)
        m3 = {
            "uvw": free, "uvu": m1, "uvv": m2, "uuw": free if weighted else 1, "uuu": m1,
            "uvuv": m1 * m2, "uvu<v": m1 * (m1 - 1) // 2, "u<vw": free,
        }[mode]
        same = [k for k, (m, r) in enumerate(out) if m == m3 and r == ir]
        if same and rng.random() < 0.5:
            k = same[0]
        else:
            k = len(out)
            out.append((m3, ir))
        row = [i, j, k, mode, weighted]
        if rng.random() < 0.4:
            row.append(rng.choice([0.25, 1.7, 2.0, 3]))
        instructions.append(row)
    return str(a), str(b), str(o3.Irreps(out)), instructions


def case(n):
    kind = rng.choice(["TensorProduct"] * 5 + ["FullyConnectedTensorProduct", "FullTensorProduct", "ElementwiseTensorProduct"])
    c = {"key": f"case{n}", "kind": kind}
    shared = rng.random() < 0.5
    if kind == "TensorProduct":
        c["irreps_in1"], c["irreps_in2"], c["irreps_out"], c["instructions"] = wiring()
    else:
        a, b = o3.Irreps(irreps()), o3.Irreps(irreps())
        if kind == "ElementwiseTensorProduct":
            b = o3.Irreps([(a.num_irreps, (rng.randint(0, 2), 1))])
        c["irreps_in1"], c["irreps_in2"] = str(a), str(b)
        if kind == "FullyConnectedTensorProduct":
            c["irreps_out"] = str(o3.Irreps(irreps() + [(2, ir) for ir in list(a[0].ir * b[0].ir)[:1]]))
        elif rng.random() < 0.4:
            c["filter_ir_out"] = ["0e", "1o", "1e", "2e"]
    options = {}
    if rng.random() < 0.4:
        options["irrep_normalization"] = rng.choice(["component", "norm", "none"])
    if rng.random() < 0.4:
        options["path_normalization"] = rng.choice(["element", "path", "none"])
    if kind == "TensorProduct" and rng.random() < 0.3:
        options["in1_var"] = [rng.choice([0.5, 1.0, 2.0]) for _ in o3.Irreps(c["irreps_in1"])]
        options["in2_var"] = [rng.choice([0.5, 1.0, 2.0]) for _ in o3.Irreps(c["irreps_in2"])]
        options["out_var"] = [rng.choice([0.5, 1.0, 2.0]) for _ in o3.Irreps(c["irreps_out"])]
    if kind in ("TensorProduct", "FullyConnectedTensorProduct") and (not shared or rng.random() < 0.5):
        options["shared_weights"] = shared
    elif kind not in ("TensorProduct", "FullyConnectedTensorProduct"):
        shared = True
    c.update(options)
    options.pop("shared_weights", None)
    common = dict(options, shared_weights=shared, internal_weights=False)
    if kind == "TensorProduct":
        tp = o3.TensorProduct(c["irreps_in1"], c["irreps_in2"], c["irreps_out"], [tuple(r) for r in c["instructions"]], **common)
    elif kind == "FullyConnectedTensorProduct":
        tp = o3.FullyConnectedTensorProduct(c["irreps_in1"], c["irreps_in2"], c["irreps_out"], **common)
    else:
        tp = getattr(o3, kind)(c["irreps_in1"], c["irreps_in2"], filter_ir_out=c.get("filter_ir_out"), **options)
    return c, tp, shared


def numbers(c, tp, shared):
    rows = rng.randint(1, 3)
    x = torch.randn(rows, tp.irreps_in1.dim, requires_grad=True)
    y = torch.randn(rows, tp.irreps_in2.dim, requires_grad=True)
    w = torch.randn(tp.weight_numel) if shared else torch.randn(rows, tp.weight_numel)
    w.requires_grad_()
    cotangent = torch.randn(rows, tp.irreps_out.dim, requires_grad=True)
    out = tp(x, y, w) if tp.weight_numel > 0 else tp(x, y)
    arrays = {"x": x, "y": y, "w": w, "cotangent": cotangent, "out": out}
    variables = [x, y, w]
    zeros = lambda g, v: torch.zeros_like(v) if g is None else g  # noqa: E731
    first = [zeros(g, v) for g, v in zip(torch.autograd.grad((out * cotangent).sum(), variables, create_graph=True, allow_unused=True), variables)]
    total = sum((g**2).sum() for g in first)
    everything = [*variables, cotangent]
    second = torch.autograd.grad(total, everything, allow_unused=True)
    for name, g in zip("xyw", first):
        arrays[f"grad_{name}"] = g
    for name, g, v in zip(["x", "y", "w", "cotangent"], second, everything):
        arrays[f"gradgrad_{name}"] = zeros(g, v)
    return {name: {"shape": list(a.shape), "data": a.detach().flatten().tolist()} for name, a in arrays.items()}


cases, expected = [], []
while len(cases) < number:
    c, tp, shared = case(len(cases))
    if tp.irreps_out.dim == 0:
        continue
    cases.append(c)
    expected.append({
        "key": c["key"],
        "printed": str(tp),
        "instructions": str(tp.instructions),
        "weight_numel": tp.weight_numel,
        "coefficients": [i.path_weight for i in tp.instructions],
        "arrays": numbers(c, tp, shared),
    })
made = {"e3nn": e3nn.__version__, "torch": torch.__version__, "seed": seed}
Path(sys.argv[1], "products.json").write_text(json.dumps({"made_with": made, "cases": cases, "expected": expected}) + "\n")
