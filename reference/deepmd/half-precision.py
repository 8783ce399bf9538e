"""What DeePMD-kit's PyTorch backend computes on the CPU with float16 and bfloat16 nets: prints energies and forces beside float64's.

    python reference/deepmd/half-precision.py

Models and atoms are those of energies.py (triclinic).
"""

import json

import dpkit  # noqa: F401
import numpy as np
from energies import ATTEN, E2A, GEOMETRIES, build, run
from options import DESCRIPTOR

MODELS = {"se_e2_a": E2A, "se_atten, smooth": ATTEN, "se_atten, not smooth": DESCRIPTOR}


def written(model) -> str:
    try:
        model.serialize()
        return "yes"
    except TypeError as error:
        return str(error)


def main() -> None:
    print(json.dumps({"versions": dpkit.versions()}))
    for name, descriptor in MODELS.items():
        exact = run(build(descriptor, {}, {}), GEOMETRIES["triclinic"], None, None)
        scale = np.abs(exact["force"]).max()
        for precision in ("float32", "float16", "bfloat16"):
            model = build(descriptor, {}, {}, precision)
            found = run(model, GEOMETRIES["triclinic"], None, None)
            error = float(np.abs(np.subtract(found["force"], exact["force"])).max() / scale)
            energy = {"energy": found["energy"], "energy in float64": exact["energy"]}
            print(json.dumps({"model": name, "precision": precision, **energy, "force error": error, "serializes": written(model)}))


if __name__ == "__main__":
    main()
