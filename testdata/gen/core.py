"""Makes testdata/core: every construct of the serialised language, one or few a file.

    python testdata/gen/core.py --out testdata/core
"""
import common

common.neutral()

import importlib

THEMES = "attributes control calls scalars containers tensors traced frozen ops recurrent quantised structure upgraders".split()
for theme in THEMES:
    importlib.import_module(f"models.{theme}")

if __name__ == "__main__":
    common.main("core.py")
