"""Start DeePMD-kit's PyTorch backend from the PyPI wheels: `import dpkit` before `deepmd.pt`, or `python dpkit.py --pt train input.json`.

The deepmd-kit wheel loads its PyTorch backend only beside the `mpich` package and the exact torch it was compiled against, because of one
shared library (border exchange for LAMMPS, tabulated nets). Training and evaluation of se_atten do not use it, and deepmd-kit supports a
build without it; where the library cannot be loaded, this module says that it was not built.
"""

import importlib.metadata
import os
import sys
import types

for name in ("OMP_NUM_THREADS", "DP_INTRA_OP_PARALLELISM_THREADS", "DP_INTER_OP_PARALLELISM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("NUM_WORKERS", "0")
os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")


def _stand_in_for_the_library() -> None:
    try:
        importlib.metadata.distribution("mpich")
        import deepmd.pt.cxx_op  # noqa: F401
    except Exception:
        for name in [k for k in sys.modules if k.startswith("deepmd.pt")]:
            del sys.modules[name]
        library = types.ModuleType("deepmd.pt.cxx_op")
        library.ENABLE_CUSTOMIZED_OP = False
        sys.modules["deepmd.pt.cxx_op"] = library


_stand_in_for_the_library()


def versions() -> dict[str, str]:
    """What made a fixture: written into every one."""
    found = {p: importlib.metadata.version(p) for p in ("deepmd-kit", "torch", "numpy")}
    return {"python": ".".join(map(str, sys.version_info[:3])), **found}


if __name__ == "__main__":
    from deepmd.main import main

    sys.argv[0] = "dp"
    main()
