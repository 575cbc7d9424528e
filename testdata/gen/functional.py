"""Writes the text of the quantised functions that converted files carry.

    python testdata/gen/functional.py OUT

Scripts the sources below `functional/` with torch 2.11, lets torch serialise them, and copies torch's own text of
the two modules into OUT. The operators are only declared, from the table in `src/ir/schema/horizon.rs`.
"""

import inspect
import io
import re
import sys
import zipfile
from pathlib import Path

import torch

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = "horizon_plugin_pytorch.nn.quantized"
MODULES = ["functional_impl", "functional"]


def declare_operators():
    table = (ROOT / "src/ir/schema/horizon.rs").read_text()
    library = torch.library.Library("horizon", "FRAGMENT")
    for schema in re.findall(r'^ +"horizon::([^"]+\) -> [^"]+)"', table, re.MULTILINE):
        library.define(schema)
    return library


def functions():
    """Every function of the two modules, in their order, scripted."""
    # In place of this folder, whose package of the same name is another one.
    sys.path[0] = str(Path(__file__).parent / "functional")
    scripted = []
    for name in MODULES:
        module = __import__(f"{PACKAGE}.{name}", fromlist=[name])
        for value in vars(module).values():
            if inspect.isfunction(value) and value.__module__ == module.__name__:
                scripted.append(torch.jit.script(value))
    return scripted


class Holder(torch.nn.Module):
    """Torch serialises the functions that a module's methods name."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


def serialised(scripted):
    """A saved module with one method for each function, which calls it."""
    module = torch.jit.script(Holder())
    for i, function in enumerate(scripted):
        names = [f"{argument.name}: {type_text(argument.type)}" for argument in function.schema.arguments]
        values = ", ".join(argument.name for argument in function.schema.arguments)
        module.define(f"def call_{i}(self, {', '.join(names)}):\n    return function({values})\n")
    buffer = io.BytesIO()
    torch.jit.save(module, buffer)
    return zipfile.ZipFile(buffer)


def type_text(type_):
    return type_.annotation_str.replace("torch.device", "Device")


def main():
    library = declare_operators()
    out = Path(sys.argv[1])
    archive = serialised(functions())
    for name in MODULES:
        ending = f"code/__torch__/{PACKAGE.replace('.', '/')}/{name}.py"
        record = next(n for n in archive.namelist() if n.endswith(ending))
        (out / f"{name}.py").write_bytes(archive.read(record))
    del library


if __name__ == "__main__":
    main()
