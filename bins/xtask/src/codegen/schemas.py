"""Prints every operator schema of the installed torch, one a line: names sorted, overloads in registration order."""

import sys

import torch

# Registered by torch's Python packages, so absent from libtorch.
PYTHON_ONLY = {
    "_c10d_functional_autograd",
    "_dtensor",
    "_test",
    "debug_mode_ops",
    "debugprims",
    "export",
    "onnx",
    "prims",
    "quantization",
    "rngprims",
    "symm_mem",
}

names = {schema.name for schema in torch._C._jit_get_all_schemas()}
print(torch.__version__.split("+")[0])
for name in sorted(names):
    if name.split("::")[0] in PYTHON_ONLY:
        continue
    for schema in torch._C._jit_get_schemas_for_operator(name):
        sys.stdout.write(f"{schema}\n")
