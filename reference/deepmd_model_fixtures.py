"""Writes test/fixtures/deepmd-models: small se_atten models with options beyond the usual, as DeePMD-kit stores them.

    python reference/deepmd_model_fixtures.py test/fixtures/deepmd-models      (made with deepmd-kit 3.2.0, NumPy backend)

v2-parameters: se_atten_v2, one-sided, frame and atom parameters, excluded types, assigned atom energies.
float32-electrons: float32 nets, electron configurations as type embedding with bias, no attention, frozen layers.
"""

import copy
import sys
from pathlib import Path

from deepmd.dpmodel.model.model import get_model
from deepmd.dpmodel.utils.serialization import save_dp_model
from deepmd.utils.argcheck import model_args

descriptor = {"sel": 6, "rcut": 4.0, "neuron": [2, 4], "axis_neuron": 2, "tebd_dim": 4, "attn": 3, "seed": 1}
models = {
    "v2-parameters": {
        "type_map": ["O", "H"],
        "descriptor": {"type": "se_atten_v2", "attn_layer": 1, "type_one_side": True, **descriptor},
        "fitting_net": {
            "neuron": [4, 4],
            "numb_fparam": 1,
            "numb_aparam": 2,
            "default_fparam": [0.5],
            "atom_ener": [-1.0, None],
            "seed": 1,
        },
        "pair_exclude_types": [[0, 1]],
        "atom_exclude_types": [1],
    },
    "float32-electrons": {
        "type_map": ["O", "H"],
        "descriptor": {
            "type": "dpa1",
            "attn_layer": 0,
            "precision": "float32",
            "use_econf_tebd": True,
            "use_tebd_bias": True,
            "exclude_types": [[0, 1]],
            "resnet_dt": True,
            **descriptor,
        },
        "fitting_net": {"neuron": [4, 4, 8], "precision": "float32", "trainable": [True, False, True, True], "seed": 1},
    },
}
for name, section in models.items():
    section = model_args().normalize_value(section, trim_pattern="_*")
    model = get_model(copy.deepcopy(section))
    data = {
        "model": model.serialize(),
        "model_def_script": section,
        "backend": "NumPy",
        "@variables": {"min_nbor_dist": 0.75},
    }
    save_dp_model(str(Path(sys.argv[1]) / f"{name}.dp"), data)
