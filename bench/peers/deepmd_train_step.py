"""DeePMD-kit's PyTorch backend on the water example, training steps or evaluations.

    python bench/peers/deepmd_train_step.py DATA [--attn-layer 2] [--precision float64] [--frames 1] [--threads 1] [--smooth] [--descriptor se_atten]

DATA is a DeePMD-npy folder of water (64 H2O). Requests, all with "repeats": {"do": "train"} is forward, loss, backward and Adam on one batch of --frames frames;
{"do": "evaluate"} is energy, forces and virial of the same frames with the scripted model, as `dp test` runs it. Answer: {"ms", "cpuMs",
"energy" or "loss"}. Let a few calls pass before you count: TorchScript specialises during the first ones. The networks are those of
deepmd-kit's examples/water/se_atten and se_e2_a. Non-smooth attention in float32 gives wrong forces in DeePMD-kit (pairs close to rcut); the time is the same.
"""

import argparse
import os
import sys
from pathlib import Path

arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
arguments.add_argument("data", type=Path)
arguments.add_argument("--attn-layer", type=int, default=2)
arguments.add_argument("--precision", choices=["float64", "float32"], default="float64")
arguments.add_argument("--frames", type=int, default=1)
arguments.add_argument("--threads", type=int, default=1)
arguments.add_argument("--smooth", action="store_true")
arguments.add_argument("--descriptor", choices=["se_atten", "se_e2_a"], default="se_atten")
options = arguments.parse_args()
for name in ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS"):
    os.environ[name] = str(options.threads)
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "reference" / "deepmd"))

import dpkit  # noqa: E402
import torch  # noqa: E402
from deepmd.pt.entrypoints.main import get_trainer  # noqa: E402
from deepmd.utils.argcheck import normalize  # noqa: E402
from lines import allocator, serve, timed  # noqa: E402


def descriptor() -> dict:
    common = {"rcut_smth": 0.5, "rcut": 6.0, "neuron": [25, 50, 100], "axis_neuron": 16, "precision": options.precision, "seed": 1}
    if options.descriptor == "se_e2_a":
        return {"type": "se_e2_a", "sel": [46, 92], **common}
    attention = {"attn": 128, "attn_layer": options.attn_layer, "attn_dotr": True, "smooth_type_embedding": options.smooth}
    return {"type": "se_atten", "sel": 120, **common, **attention}


def config() -> dict:
    return {
        "model": {
            "type_map": ["O", "H"],
            "descriptor": descriptor(),
            "fitting_net": {"neuron": [240, 240, 240], "resnet_dt": True, "precision": options.precision, "seed": 1},
            "data_stat_nbatch": 2,
        },
        "learning_rate": {"type": "exp", "start_lr": 1e-3, "stop_lr": 3.51e-8, "decay_steps": 5000},
        "optimizer": {"type": "Adam"},
        "loss": {"type": "ener", "start_pref_e": 0.02, "limit_pref_e": 1, "start_pref_f": 1000, "limit_pref_f": 1},
        "training": {
            "training_data": {"systems": [str(options.data)], "batch_size": options.frames}, "numb_steps": 1000000, "seed": 1,
        },
    }  # fmt: skip


trainer = get_trainer(normalize(config()))
inputs, label, _ = trainer.get_data(is_train=True)
scripted = torch.jit.script(trainer.model).eval()
still = [p for p in trainer.wrapper.parameters() if p.requires_grad]


def train() -> float:
    trainer.optimizer.zero_grad(set_to_none=True)
    lr = trainer.scheduler.get_last_lr()[0]
    _, loss, _ = trainer.wrapper(**{**inputs, "coord": inputs["coord"].detach()}, cur_lr=lr, label=label)
    loss.backward()
    trainer.optimizer.step()
    trainer.scheduler.step()
    return loss.item()


def evaluate() -> float:
    out = scripted(inputs["coord"].detach(), inputs["atype"], box=inputs["box"])
    assert out["force"].shape and out["virial"].shape
    return out["energy"].sum().item()


def answer(request: dict) -> dict:
    kind = request.get("do")
    repeats = int(request.get("repeats", 1))
    value = {}
    if kind == "train":
        return {**timed(lambda: value.update(loss=train()), repeats), **value}
    if kind != "evaluate":
        raise ValueError(f'do is "train" or "evaluate", not {kind!r}')
    for p in still:
        p.requires_grad_(False)
    try:
        return {**timed(lambda: value.update(energy=evaluate()), repeats), **value}
    finally:
        for p in still:
            p.requires_grad_(True)


serve(
    {
        "peer": "deepmd-kit", "versions": dpkit.versions(), "threads": torch.get_num_threads(), "allocator": allocator(),
        "attn_layer": options.attn_layer, "precision": options.precision, "frames": options.frames, "smooth": options.smooth,
    },
    answer,
)  # fmt: skip
