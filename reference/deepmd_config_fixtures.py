"""Writes test/fixtures/deepmd-config/cases.json: inputs of several forms and what DeePMD-kit makes of them.

    python reference/deepmd_config_fixtures.py test/fixtures/deepmd-config      (made with deepmd-kit 3.2.0)

Also the learning rates of DeePMD-kit's schedules at some steps (rates.json).
"""

import copy
import json
import sys
from pathlib import Path

from deepmd.dpmodel.utils import learning_rate as lr
from deepmd.utils.argcheck import normalize
from deepmd.utils.compat import update_deepmd_input

attention = {
    "_comment": "what a user writes",
    "model": {
        "type_map": ["O", "H"],
        "descriptor": {"type": "dpa1", "sel": 120, "rcut": 6, "neuron": [25, 50, 100], "n_axis_neuron": 16, "seed": 1},
        "fitting_net": {"n_neuron": [240, 240, 240], "_why": "as published"},
    },
    "learning_rate": {"start_lr": 0.001, "stop_lr": 3.51e-8},
    "loss": {"start_pref_e": 0.02, "limit_pref_e": 1, "relative_f": 0.5},
    "training": {
        "training_data": {"systems": ["a", "b"], "batch_size": "auto:64", "sys_weights": [0.5, 0.5], "_c": 0},
        "validation_data": {"systems": "c", "batch_size": [1, 2], "numb_batch": 3, "auto_prob_style": "prob_uniform"},
        "stop_batch": 1000,
        "gradient_max_norm": 5.0,
        "numb_test": 3,
    },
    "validating": {"validation_freq": 10},
}
strip = {
    "model": {
        "type_map": ["Nb", "Mo", "Ta", "W"],
        "descriptor": {
            "type": "se_atten_v2",
            "sel": [10, 20, 30, 40],
            "attn_layer": 0,
            "exclude_types": [[0, 1], [2, 2]],
            "temperature": 1.5,
            "ln_eps": 0.001,
            "precision": "float32",
        },
        "fitting_net": {
            "type": "ener",
            "neuron": [8, 8],
            "trainable": [True, False, True],
            "atom_ener": [None, -1.5, None, None],
            "numb_fparam": 2,
            "default_fparam": [0.1, 0.2],
            "precision": "float64",
        },
        "preset_out_bias": {"energy": [None, 1.0, 2.0, None]},
        "atom_exclude_types": [3],
        "pair_exclude_types": [[0, 3]],
    },
    "learning_rate": {"type": "wsd", "start_lr": 0.01, "stop_lr_ratio": 0.001, "warmup_ratio": 0.1},
    "loss": {"type": "ener", "use_huber": True, "huber_delta": [0.1, 0.2, 0.3]},
    "optimizer": {"type": "AdamW"},
    "training": {"training_data": {"systems": "data", "rglob_patterns": ["n0*"]}, "numb_epoch": 2.5, "seed": 7},
}
type_wise = {
    "model": {
        "type_map": ["O", "H"],
        "descriptor": {"type": "se_a", "sel": "auto:1.2", "activation_function": "silut:4.0"},
        "fitting_net": {},
    },
    "learning_rate": {"type": "cosine", "start_lr": 0.001, "warmup_steps": 10},
    "training": {
        "training_data": {"systems": ["a"], "set_prefix": "set"},
        "numb_step": 100,
        "opt_type": "AdamW",
        "adam_beta1": 0.8,
        "warmup_start_factor": 0.1,
    },
}
version1 = {
    "model": {"type_map": ["O", "H"], "descriptor": {"type": "dpa1", "sel": 120}, "fitting_net": {"neuron": [8]}},
    "learning_rate": {"type": "exp", "start_lr": 0.001, "decay_steps": 50, "decay_rate": 0.95, "stop_lr": 1e-7},
    "loss": {},
    "training": {
        "systems": ["a", "b"],
        "set_prefix": "set",
        "stop_batch": 1000,
        "batch_size": [1, 2],
        "numb_test": 10,
        "seed": 1,
        "auto_prob_style": "prob_uniform",
        "disp_file": "curve",
    },
}
version0 = {
    "use_smooth": True,
    "sel_a": [46, 92],
    "rcut_smth": 5.8,
    "rcut": 6.0,
    "filter_neuron": [25, 50, 100],
    "filter_resnet_dt": False,
    "n_axis_neuron": 16,
    "n_neuron": [240, 240, 240],
    "resnet_dt": True,
    "coord_norm": True,
    "type_fitting_net": False,
    "systems": ["data"],
    "set_prefix": "set",
    "stop_batch": 1000000,
    "batch_size": 1,
    "start_lr": 0.001,
    "decay_steps": 5000,
    "decay_rate": 0.95,
    "start_pref_e": 0.02,
    "limit_pref_e": 1,
    "start_pref_f": 1000,
    "limit_pref_f": 1,
    "start_pref_v": 0,
    "limit_pref_v": 0,
    "seed": 1,
    "disp_file": "lcurve.out",
    "disp_freq": 100,
    "numb_test": 10,
    "save_freq": 1000,
    "save_ckpt": "model.ckpt",
    "load_ckpt": "model.ckpt",
    "disp_training": True,
    "time_training": True,
    "profiling": False,
}
named = {"attention": attention, "strip": strip, "type_wise": type_wise, "version1": version1, "version0": version0}

cases = {}
for name, given in named.items():
    converted = update_deepmd_input(copy.deepcopy(given), warning=False)
    cases[name] = {"input": given, "out": normalize(converted)}

steps = [0, 1, 49, 50, 99, 100, 101, 499, 500, 899, 900, 950, 999, 1000, 1500]
common = {"start_lr": 1e-3, "num_steps": 1000}
rates = []
for kind, cls, extra in [
    ("exp", lr.LearningRateExp, {"stop_lr": 1e-6}),
    ("exp", lr.LearningRateExp, {"stop_lr": 1e-6, "decay_steps": 50}),
    ("exp", lr.LearningRateExp, {"stop_lr": 1e-6, "decay_steps": 50, "smooth": True}),
    ("exp", lr.LearningRateExp, {"stop_lr": 1e-6, "decay_steps": 50, "decay_rate": 0.9}),
    ("exp", lr.LearningRateExp, {"stop_lr_ratio": 1e-2, "decay_steps": 50, "warmup_steps": 100}),
    ("exp", lr.LearningRateExp, {"stop_lr": 1e-6, "warmup_ratio": 0.1, "warmup_start_factor": 0.2}),
    ("cosine", lr.LearningRateCosine, {"stop_lr": 1e-6}),
    ("cosine", lr.LearningRateCosine, {"stop_lr": 1e-5, "warmup_steps": 100}),
    ("wsd", lr.LearningRateWSD, {"stop_lr": 1e-6}),
    ("wsd", lr.LearningRateWSD, {"stop_lr": 1e-6, "decay_type": "cosine", "decay_phase_ratio": 0.5}),
    ("wsd", lr.LearningRateWSD, {"stop_lr": 1e-6, "decay_type": "linear", "warmup_steps": 950}),
]:
    schedule = cls(**common, **extra)
    rates.append({"type": kind, **extra, "values": [[step, float(schedule.value(step))] for step in steps]})

out = Path(sys.argv[1])
(out / "cases.json").write_text(json.dumps(cases, indent=1) + "\n")
(out / "rates.json").write_text(json.dumps(rates) + "\n")
