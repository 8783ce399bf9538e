"""Writes article.json: the program of e3nn's guide to convolutions on small inputs, with every intermediate, first and second derivatives
and the lines it prints.

    python reference/equivariant/article.py test/fixtures/equivariant      (made with e3nn 0.6.0, torch 2.13.0)
"""

import json
import sys
from pathlib import Path

import e3nn
import torch
from e3nn import o3
from e3nn.math import soft_one_hot_linspace
from e3nn.nn import FullyConnectedNet

torch.set_default_dtype(torch.float64)
torch.manual_seed(3)
CASES = [
    {
        "irreps": "10x0e + 5x1o + 2x2e", "irreps_input": "10x0e + 10x1e", "irreps_output": "20x0e + 10x1e", "lmax": 2,
        "max_radius": 1.8, "num_basis": 10, "hidden": 6, "activation": "relu",
        "products": [["10x0e", "3x1o", "4x0o"], ["10x0e", "3x1o", "4x1o"]],
    },
    {
        "irreps": "2x3o + 0e + 1x1e", "irreps_input": "3x0e + 2x1o + 1x2e + 1x0o", "irreps_output": "2x1o + 2x0e + 1x3o + 1x1e", "lmax": 3,
        "max_radius": 2.1, "num_basis": 4, "hidden": 5, "activation": "silu",
        "products": [["2x1o + 1x2e", "1x0e + 1x1o", "3x1o"]],
    },
]


def radius_graph(pos, r):
    distance = (pos[:, None] - pos[None]).norm(dim=-1)
    dst, src = ((distance < r) & ~torch.eye(len(pos), dtype=torch.bool)).nonzero().T
    return src, dst


def run(config, nodes):
    printed = []
    irreps = o3.Irreps(config["irreps"])
    printed.append(str(irreps))
    rot = -o3.rand_matrix()
    D = irreps.D_from_matrix(rot)
    printed.append(str(D.size()))
    irreps_input, irreps_output = o3.Irreps(config["irreps_input"]), o3.Irreps(config["irreps_output"])
    pos = torch.randn(nodes, 3).requires_grad_()
    src, dst = radius_graph(pos, config["max_radius"])
    edge_vec = pos[dst] - pos[src]
    f_in = irreps_input.randn(nodes, -1).requires_grad_()
    printed.append(str(f_in.size()))
    irreps_sh = o3.Irreps.spherical_harmonics(lmax=config["lmax"])
    printed.append(str(irreps_sh))
    sh = o3.spherical_harmonics(irreps_sh, edge_vec, normalize=True, normalization="component")
    printed.append(f"{edge_vec.size()} {sh.size()}")
    tp = o3.FullyConnectedTensorProduct(irreps_input, irreps_sh, irreps_output, shared_weights=False)
    printed += [str(tp), str(tp.instructions), str(o3.FullTensorProduct(irreps_input, irreps_sh))]
    printed += [str(o3.FullyConnectedTensorProduct(*product)) for product in config["products"]]
    n = config["num_basis"]
    embedding = soft_one_hot_linspace(edge_vec.norm(dim=1), start=0.0, end=config["max_radius"], number=n, basis="smooth_finite", cutoff=True)
    embedding = embedding.mul(n**0.5)
    printed.append(str(embedding.size()))
    act = {"relu": torch.relu, "silu": torch.nn.functional.silu}[config["activation"]]
    fc = FullyConnectedNet([n, config["hidden"], tp.weight_numel], act)
    printed.append(str(fc))
    layers = list(fc.parameters())
    printed += [str(p.size()) for p in layers]
    weight = fc(embedding)
    printed.append(str(weight.size()))
    summand = tp(f_in[src], sh, weight)
    printed.append(str(summand.size()))
    f_out = torch.zeros(nodes, irreps_output.dim).index_add(0, dst, summand).div((len(src) / nodes) ** 0.5)
    printed.append(str(f_out.size()))
    t = ((D.clamp(-1, 1) + 1) / 2)[..., None]
    heatmap = torch.where(t < 0.5, torch.cat([2 * t, 2 * t, 1 + 0 * t], -1), torch.cat([1 + 0 * t, 2 - 2 * t, 2 - 2 * t], -1))
    out = {"D": D, "heatmap_rgb": heatmap, "edge_src": src, "edge_dst": dst, "edge_vec": edge_vec, "sh": sh,
           "edge_length_embedding": embedding, "summand": summand, "f_out": f_out}  # fmt: skip
    variables = {"pos": pos, "f_in": f_in, "layer0": layers[0], "layer1": layers[1]}
    first = torch.autograd.grad(f_out.pow(2).sum(), list(variables.values()), create_graph=True)
    second = torch.autograd.grad(first[0].pow(2).sum(), list(variables.values()))
    for name, dL, dF in zip(variables, first, second):
        out[f"dL_d{name}"], out[f"dF_d{name}"] = dL, dF
    given = {"rot": rot, **variables}
    dump = lambda arrays: {k: {"shape": list(a.shape), "data": a.detach().flatten().tolist()} for k, a in arrays.items()}  # noqa: E731
    return {"config": config, "inputs": dump(given), "printed": printed, "expected": dump(out)}


made = {"e3nn": e3nn.__version__, "torch": torch.__version__}
cases = [run(config, nodes) for config, nodes in zip(CASES, [9, 7])]
Path(sys.argv[1], "article.json").write_text(json.dumps({"made_with": made, "cases": cases}) + "\n")
