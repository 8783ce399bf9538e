"""Five updates of torch's optimisers on one parameter, float64: python reference/nn/optimizers.py test/fixtures/nn

The gradient of update k (from 0) is sin(1 + 3 k + j) * (1 + j) for element j.
"""

import json
import math
import platform
import sys
from pathlib import Path

import torch

START = [0.5, -2.0, 3.0, 0.0]
STEPS = 5
RATES = [0.1, 0.1, 0.05, 0.05, 0.01]
ABSENT = 2

ADAM = {"betas": (0.8, 0.99), "eps": 1e-6}
CASES = {
    "Adam": (torch.optim.Adam, ADAM),
    "Adam with weight decay": (torch.optim.Adam, {**ADAM, "weight_decay": 0.1}),
    "AdamW": (torch.optim.AdamW, {**ADAM, "weight_decay": 0.1}),
    "Sgd": (torch.optim.SGD, {}),
    "Sgd with weight decay": (torch.optim.SGD, {"weight_decay": 0.1}),
    "Sgd with momentum": (torch.optim.SGD, {"momentum": 0.9, "dampening": 0.3, "weight_decay": 0.1}),
    "Sgd with Nesterov's momentum": (torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
}


def run(make, options: dict, absent: int) -> list[float]:
    parameter = torch.nn.Parameter(torch.tensor(START, dtype=torch.float64))
    optimizer = make([parameter], lr=1.0, **options)
    for k in range(STEPS):
        gradient = [math.sin(1 + 3 * k + j) * (1 + j) for j in range(len(START))]
        parameter.grad = None if k == absent else torch.tensor(gradient, dtype=torch.float64)
        optimizer.param_groups[0]["lr"] = RATES[k]
        optimizer.step()
    return parameter.tolist()


def main() -> None:
    out = {
        "madeBy": "python reference/nn/optimizers.py test/fixtures/nn",
        "what": "Parameters after five updates; in `late` the first has no gradient, in `gap` the third",
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
        "start": START,
        "rates": RATES,
        "cases": {
            name: {"all": run(*case, -1), "gap": run(*case, ABSENT), "late": run(*case, 0)} for name, case in CASES.items()
        },
    }
    Path(sys.argv[1], "optimizers.json").write_text(json.dumps(out, indent=1) + "\n")


main()
