"""State dicts between e3nn and here, in both directions.

    python reference/equivariant/states.py test/fixtures/equivariant                    (made with e3nn 0.6.0, torch 2.13.0)

writes states.pt, state dicts as e3nn's modules save them, and states.json: how each module is made, what its state dict holds, inputs and what
the module makes of them.

    ATOMGRAD_WRITTEN=build/written npm test test/equivariant/states.test.ts
    python reference/equivariant/states.py test/fixtures/equivariant build/written

writes states-read.json: what the same modules make of the same inputs with the states written here, loaded with `strict=True`.
"""

import hashlib
import json
import random
import re
import sys
from pathlib import Path

import e3nn
import safetensors.torch
import torch
from e3nn import nn, o3
from e3nn.o3.experimental import ElementwiseTensorProductv2

torch.set_default_dtype(torch.float64)
rng = random.Random(3)
torch.manual_seed(3)
MODES = ["uvw", "uvu", "uvv", "uuw", "uuu", "uvuv", "uvu<v", "u<vw"]
ACTS = {"relu": torch.relu, "silu": torch.nn.functional.silu, "tanh": torch.tanh, "sigmoid": torch.sigmoid}


class Network(torch.nn.Module):
    """A module of modules, in a list too, with a parameter and a buffer of its own."""

    def __init__(self):
        super().__init__()
        self.linear = o3.Linear("2x0e+1x1o", "3x0e+2x1o", biases=True)
        self.gate = nn.Gate("1x0e", [torch.tanh], "2x0e", [torch.sigmoid], "2x1o")
        self.product = o3.FullyConnectedTensorProduct(self.gate.irreps_out, "1x0e+1x1o", "2x0e+1x1o+1x1e", shared_weights=False)
        self.weights = nn.FullyConnectedNet([3, 4, self.product.weight_numel], torch.nn.functional.silu)
        self.blocks = torch.nn.ModuleList([o3.Linear("2x0e+1x1o+1x1e", "2x0e+1x1o"), nn.BatchNorm("2x0e+1x1o")])
        self.factor = torch.nn.Parameter(torch.tensor([1.5]))
        self.register_buffer("offset", torch.tensor([0.25]))

    def forward(self, x, y, r):
        x = self.product(self.gate(self.linear(x)), y, self.weights(r))
        for block in self.blocks:
            x = block(x)
        return x * self.factor + self.offset


KINDS = {
    **{kind: getattr(o3, kind) for kind in ["TensorProduct", "FullyConnectedTensorProduct", "FullTensorProduct", "ElementwiseTensorProduct"]},
    **{kind: getattr(o3, kind) for kind in ["TensorSquare", "Linear", "Norm", "FullTensorProductv2"]},
    **{kind: getattr(nn, kind) for kind in ["Activation", "BatchNorm", "Dropout", "Extract", "FullyConnectedNet", "Gate", "Identity", "NormActivation"]},
    "ElementwiseTensorProductv2": ElementwiseTensorProductv2,
    "Network": Network,
}


def make(kind, args, options):
    if kind == "Activation":
        args = [args[0], [ACTS[a] for a in args[1]]]
    elif kind == "TensorProduct":
        args = [*args[:3], [tuple(row) for row in args[3]]]
    elif kind == "Gate":
        args = [args[0], [ACTS[a] for a in args[1]], args[2], [ACTS[a] for a in args[3]], args[4]]
    elif kind in ("FullyConnectedNet", "NormActivation"):
        args = [args[0] if kind == "FullyConnectedNet" else o3.Irreps(args[0]), ACTS[args[1]]]
    elif kind.endswith("v2"):
        args = [o3.Irreps(a) for a in args]
    return KINDS[kind](*args, **{re.sub("(?<!^)(?=[A-Z])", "_", key).lower(): value for key, value in options.items()})


def wiring():
    """Paths of every mode between entries of two copies, each into an entry of its own."""
    given = "2x0e+2x1o+2x2e"
    entries, out, rows = o3.Irreps(given), [], []
    for _ in range(6):
        i, j, mode = rng.randrange(3), rng.randrange(3), rng.choice(MODES)
        weighted = mode in ("uvw", "u<vw") or rng.random() < 0.5
        free = 3 if weighted else 1
        mul = {"uvw": 3, "uvu": 2, "uvv": 2, "uuw": free, "uuu": 2, "uvuv": 4, "uvu<v": 1, "u<vw": 3}[mode]
        rows.append([i, j, len(out), mode, weighted])
        out.append((mul, rng.choice([ir for ir in entries[i].ir * entries[j].ir if ir.l < 3])))
    return [given, given, str(o3.Irreps(out)), rows]


def case(kind, *args, dtype="float64", settings=None, **options):
    """`settings` are e3nn's alone: they change what it compiles, not what is computed."""
    return {"kind": kind, "args": list(args), "options": options, "dtype": dtype, "settings": settings or {}}


A, B = "2x0e+1x1o+1x2e", "1x0e+1x1o"
FULL = ["FullTensorProduct", "2x1o+1x2e", "1x1o+1x2e"]
CASES = [
    *[case("TensorProduct", *wiring()) for _ in range(6)],
    case("TensorProduct", *wiring(), sharedWeights=False),
    case("TensorProduct", "0x0e+2x1o", "1x1o", "2x0e+0x1e+2x2e", [[1, 0, 0, "uvu", True], [1, 0, 1, "uvw", True]]),
    case("FullyConnectedTensorProduct", A, B, "2x0e+1x1o+1x2e"),
    case("FullyConnectedTensorProduct", A, B, "2x0e+1x1o", internalWeights=False),
    case("FullyConnectedTensorProduct", "1x0e", "1x0e", "1x1o+1x0e"),
    case(*FULL),
    case(*FULL, dtype="float32"),
    case(*FULL, dtype="bfloat16"),
    case(*FULL, settings={"compile_right": True}),
    case("FullyConnectedTensorProduct", A, B, "2x0e+1x1o", settings={"_specialized_code": False, "compile_right": True}),
    case("ElementwiseTensorProduct", "2x1o+1x2e", "1x1o+1x0e+1x2e"),
    case("TensorSquare", "2x1o+1x0e"),
    case("TensorSquare", "3x1o", irrepsOut="2x0e+1x2e"),
    case("FullTensorProductv2", "1x1o+1x0e+1x1o", "1x1o+1x0e"),
    case("FullTensorProductv2", "1x1o+1x2e", "1x1o", irrepNormalization="norm"),
    case("ElementwiseTensorProductv2", "2x1o+1x1e", "3x1o"),
    case("Linear", "2x0e+1x1o", "1x0e+2x1o"),
    case("Linear", "2x0e+1x1o", "1x0e+2x1o+1x2e", biases=True),
    case("Linear", "2x1o", "1x2e"),
    case("Linear", "2x0e+1x1o", "1x0e+2x1o", internalWeights=False),
    case("Linear", "2x0e+1x1o", "1x0e+2x1o", fIn=2, fOut=3, biases=True),
    case("Linear", "2x0e+1x1o", "1x0e+2x1o", dtype="float32", biases=True),
    case("FullyConnectedNet", [3, 4, 2], "silu"),
    case("BatchNorm", "2x0e+1x0o+1x1o"),
    case("BatchNorm", "2x0e+1x1o", affine=False),
    case("BatchNorm", "2x0e+1x1o", includeBias=False),
    case("BatchNorm", "2x0e+1x1o", instance=True),
    case("BatchNorm", "2x1o"),
    case("Gate", "2x0e", ["relu"], "2x0e", ["sigmoid"], "1x1o+1x2e"),
    case("Gate", "1x0o", ["tanh"], "1x0o", ["tanh"], "1x1o"),
    case("Gate", "2x0e", ["relu"], "", [], ""),
    case("Norm", "2x0e+1x1o+1x1o"),
    case("NormActivation", "2x0e+1x1o+1x1o", "sigmoid"),
    case("NormActivation", "2x0e+1x1o", "tanh", bias=True),
    case("Activation", "2x0e+1x0o", ["silu", "tanh"]),
    case("Identity", "2x0e+1x1o", "2x0e+1x1o"),
    case("Extract", "2x0e+1x1o", ["1x1o", "2x0e"], [[1], [0]]),
    case("Dropout", "2x0e+1x1o", 0.5),
    case("Network"),
    case("Network", dtype="float32"),
]


def module(one):
    return make(one["kind"], one["args"], {**one["options"], **one["settings"]}).eval()


def number(t):
    return {"shape": list(t.shape), "data": t.detach().double().flatten().tolist()}


def inputs(m, one):
    """Features of three rows, and weights where the module holds none."""
    kind, rows = one["kind"], [3] + ([2] if "fIn" in one["options"] else [])
    if kind == "Network":
        return [torch.randn(3, 5), torch.randn(3, 4), torch.randn(3, 3)]
    if kind == "FullyConnectedNet":
        return [torch.randn(3, one["args"][0][0])]
    features = [torch.randn(*rows, getattr(m, name).dim) for name in ("irreps_in1", "irreps_in2") if hasattr(m, name)]
    if kind == "TensorSquare":
        features = features[:1]
    if not features:
        features = [torch.randn(*rows, o3.Irreps(getattr(m, "irreps_in", one["args"][0])).dim)]
    if getattr(m, "weight_numel", 0) > 0 and not m.internal_weights:
        features.append(torch.randn(*([] if m.shared_weights else [3]), m.weight_numel))
    return features


def outputs(m, given):
    with torch.no_grad():
        out = m(*given)
    return [number(t) for t in (out if isinstance(out, (list, tuple)) else [out])]


def versions():
    return {"e3nn": e3nn.__version__, "torch": torch.__version__}


def write(folder: Path):
    made, states = [], {}
    for n, one in enumerate(CASES):
        m = module(one)
        with torch.no_grad():
            for p in m.parameters():
                p.normal_()
            for name, b in m.named_buffers():
                if name.split(".")[-1].startswith("running"):
                    b.uniform_(0.5, 1.5)
        m = m.to(getattr(torch, one["dtype"]))
        states[f"case{n}"] = state = m.state_dict()
        given = inputs(m, one)
        out = outputs(m, [x.to(getattr(torch, one["dtype"])) for x in given])
        held = [[key, list(t.shape), str(t.dtype).removeprefix("torch.")] for key, t in state.items()]
        made.append({**one, "held": held, "inputs": [number(x) for x in given], "out": out})
    torch.save(states, folder / "states.pt")
    (folder / "states.json").write_text(json.dumps({"made_with": versions(), "cases": made}, separators=(",", ":")) + "\n")


def read(folder: Path, written: Path):
    file = written / "states.safetensors"
    tensors = safetensors.torch.load_file(file)
    cases = json.loads((folder / "states.json").read_text())["cases"]
    found = []
    for n, one in enumerate(cases):
        m = module({**one, "settings": {}})
        prefix = f"case{n}."
        state = {key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)}
        m.load_state_dict(state, strict=True)
        given = [torch.tensor(x["data"]).reshape(x["shape"]) for x in one["inputs"]]
        found.append(outputs(m, given))
    report = {"made_with": versions(), "sha256": hashlib.sha256(file.read_bytes()).hexdigest(), "out": found}
    (folder / "states-read.json").write_text(json.dumps(report, separators=(",", ":")) + "\n")


if __name__ == "__main__":
    folders = [Path(word) for word in sys.argv[1:]]
    if len(folders) not in (1, 2):
        sys.exit(__doc__)
    (write if len(folders) == 1 else read)(*folders)
