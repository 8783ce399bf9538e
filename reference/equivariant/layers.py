"""Writes layers.json: linear layers with channels, weights a row and biases, products of regrouped inputs, weight views and
conversions of rotations as e3nn gives them.

    python reference/equivariant/layers.py test/fixtures/equivariant      (made with e3nn 0.6.0, torch 2.13.0)
"""

import json
import sys
from pathlib import Path

import e3nn
import torch
from e3nn import o3
from e3nn.o3.experimental import ElementwiseTensorProductv2

torch.set_default_dtype(torch.float64)
torch.manual_seed(17)


def derivatives(out, variables):
    """Arrays of the values, of the gradients with a random cotangent, and of the gradients of the sum of their squares."""
    cotangent = torch.randn(out.shape, requires_grad=True)
    names, tensors = list(variables), list(variables.values())
    zeros = lambda g, v: torch.zeros_like(v) if g is None else g  # noqa: E731
    found = torch.autograd.grad((out * cotangent).sum(), tensors, create_graph=True, allow_unused=True)
    first = [zeros(g, v) for g, v in zip(found, tensors)]
    everything = [*tensors, cotangent]
    second = torch.autograd.grad(sum((g**2).sum() for g in first), everything, allow_unused=True)
    arrays = {**variables, "cotangent": cotangent, "out": out}
    arrays.update({f"grad_{n}": g for n, g in zip(names, first)})
    arrays.update({f"gradgrad_{n}": zeros(g, v) for n, g, v in zip([*names, "cotangent"], second, everything)})
    return {n: {"shape": list(a.shape), "data": a.detach().flatten().tolist()} for n, a in arrays.items()}


def linear(irreps_in, irreps_out, lead, **options):
    # e3nn cannot optimise unshared weights with biases: its example inputs have a bias a row.
    module = o3.Linear(irreps_in, irreps_out, internal_weights=False, _optimize_einsums=False, **options)
    f_in, f_out = options.get("f_in"), options.get("f_out")
    channels = lambda f: [] if f is None else [f]  # noqa: E731
    own = [] if options.get("shared_weights", True) else lead
    variables = {
        "x": torch.randn(*lead, *channels(f_in), module.irreps_in.dim, requires_grad=True),
        "w": torch.randn(*own, *channels(f_in), *channels(f_out), module.weight_numel, requires_grad=True),
    }
    if module.bias_numel > 0:
        variables["b"] = torch.randn(*channels(f_out), module.bias_numel, requires_grad=True)
    out = module(variables["x"], variables["w"], variables.get("b"))
    weighted = [n for n, i in enumerate(module.instructions) if i.i_in >= 0]
    views = [module.weight_view_for_instruction(n, variables["w"]) for n in weighted]
    return {
        "irreps_in": irreps_in,
        "irreps_out": irreps_out,
        "options": options,
        "printed": str(module),
        "instructions": str(module.instructions),
        "weight_numel": module.weight_numel,
        "bias_numel": module.bias_numel,
        "output_mask": module.output_mask.tolist(),
        "views": [{"shape": list(v.shape), "data": v.detach().flatten().tolist()} for v in views],
        "arrays": derivatives(out, variables),
    }


def regrouped(kind, irreps_in1, irreps_in2, **options):
    make = {"FullTensorProductv2": o3.FullTensorProductv2, "ElementwiseTensorProductv2": ElementwiseTensorProductv2}[kind]
    given = dict(options)
    if "filter_ir_out" in given:
        given["filter_ir_out"] = [o3.Irrep(ir) for ir in given["filter_ir_out"]]
    module = make(o3.Irreps(irreps_in1), o3.Irreps(irreps_in2), **given)
    variables = {
        "x": torch.randn(3, module.irreps_in1.dim, requires_grad=True),
        "y": torch.randn(3, module.irreps_in2.dim, requires_grad=True),
    }
    return {
        "kind": kind,
        "given": [irreps_in1, irreps_in2],
        "options": options,
        "irreps": [str(module.irreps_in1), str(module.irreps_in2), str(module.irreps_out)],
        "arrays": derivatives(module(*variables.values()), variables),
    }


def views(shared):
    """A product with weights in a list of blocks, and as the matrix that still wants x."""
    rows = [(0, 0, 0, "uvw", True), (0, 1, 1, "uvu", True)]
    module = o3.TensorProduct("2x0e+3x1o", "3x0e+2x1o", "4x0e+2x1o", rows, shared_weights=shared, internal_weights=False)
    lead = [] if shared else [4]
    w = torch.randn(*lead, module.weight_numel)
    x, y = torch.randn(4, module.irreps_in1.dim), torch.randn(4, module.irreps_in2.dim)
    blocks = list(module.weight_views(w))
    right = o3.TensorProduct("2x0e+3x1o", "3x0e+2x1o", "4x0e+2x1o", rows, shared_weights=shared, internal_weights=False, compile_right=True)
    number = lambda a: {"shape": list(a.shape), "data": a.flatten().tolist()}  # noqa: E731
    return {
        "shared": shared,
        "x": number(x),
        "y": number(y),
        "w": number(w),
        "views": [number(b) for b in blocks],
        "out": number(module(x, y, blocks)),
        "right": number(right.right(y, w)),
    }


lead = [2, 3]
channels = {"f_in": 2, "f_out": 3}
out = {
    "made_with": {"e3nn": e3nn.__version__, "torch": torch.__version__},
    "linear": [
        linear("2x0e+3x1o", "3x0e+2x1o", lead),
        linear("2x0e+3x1o+1x0e", "2x0e+2x1o+1x0e+1x2e", lead, biases=True),
        linear("2x0e+1x0o+3x0e", "2x0e+2x0o+1x0e", [4], biases=[False, False, True], path_normalization="path"),
        linear("4x0e+3x0e", "4x0e+3x0e", [2], instructions=[(0, 0), (1, 1)]),
        linear("2x1o+3x1o", "2x1o+1x1o", [5], shared_weights=False),
        linear("2x0e+3x1o", "3x0e+2x1o", lead, shared_weights=False, biases=True),
        linear("2x0e+3x1o", "3x0e+2x1o", lead, **channels),
        linear("2x0e+3x1o+1x0e", "2x0e+2x1o+1x0e", [4], biases=True, **channels),
        linear("2x0e+3x1o+1x0e", "2x0e+2x1o", [4], path_normalization="path", instructions=[(2, 0), (1, 1)], **channels),
        linear("2x0e+3x1o", "3x0e+2x1o", [4], shared_weights=False, biases=True, **channels),
        linear("1x1o", "2x1o", [1], f_in=5, f_out=1),
    ],
    "products": [
        regrouped("FullTensorProductv2", "2x1o+1x0e+1x1o", "1x1o+2x0e+1x2e"),
        regrouped("FullTensorProductv2", "1x2e+2x1o+1x0o", "1x1e+1x0e", filter_ir_out=["1o", "2e", "1e"], irrep_normalization="norm"),
        regrouped("FullTensorProductv2", "2x1o+1x0e", "1x2e+1x0e", regroup_output=False),
        regrouped("ElementwiseTensorProductv2", "2x1o+1x0e", "1x2e+2x1o"),
        regrouped("ElementwiseTensorProductv2", "2x1o+2x2e", "4x1e", filter_ir_out=["0o", "1e", "2e"]),
    ],
    "views": [views(True), views(False)],
}
angles = o3.rand_angles(5)
first, second = tuple(a[:2] for a in angles), tuple(a[2:4] for a in angles)
quaternion = o3.angles_to_quaternion(*angles)
axis, angle = o3.quaternion_to_axis_angle(quaternion)
columns = lambda parts: torch.stack(list(parts), -1).tolist()  # noqa: E731
out["rotations"] = {
    "angles": columns(angles),
    "quaternion": quaternion.tolist(),
    "axis": axis.tolist(),
    "angle": angle.tolist(),
    "inverse_quaternion": o3.inverse_quaternion(quaternion).tolist(),
    "composed_angles": columns(o3.compose_angles(*first, *second)),
    "composed_axis": o3.compose_axis_angle(axis[:2], angle[:2], axis[2:4], angle[2:4])[0].tolist(),
    "composed_angle": o3.compose_axis_angle(axis[:2], angle[:2], axis[2:4], angle[2:4])[1].tolist(),
    "angles_of_quaternion": columns(o3.quaternion_to_angles(quaternion)),
    "angles_of_axis_angle": columns(o3.axis_angle_to_angles(axis, angle)),
    "D": o3.Irreps("1x0o+2x1e+1x2o").D_from_angles(*angles, torch.tensor(1)).tolist(),
    "D_of_quaternion": o3.Irreps("1x1e+1x2o").D_from_quaternion(quaternion).tolist(),
    "D_of_axis_angle": o3.Irreps("1x1e+1x2o").D_from_axis_angle(axis, angle).tolist(),
}
out["complex"] = [
    {
        "l": l,
        "Q": torch.view_as_real(o3.change_basis_real_to_complex(l)).tolist(),
        "X": torch.view_as_real(o3.su2_generators(l).to(torch.complex128)).tolist(),
    }
    for l in (0, 1, 2, 3)
]
Path(sys.argv[1], "layers.json").write_text(json.dumps(out) + "\n")
