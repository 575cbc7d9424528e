"""Loads every fixture of the manifest with stock torch and compares what it computes with the stored outputs, bit by bit.

    python testdata/gen/check.py [--data testdata] [--corpus FOLDER]

Also checks that the manifest and the folders agree, and the sizes README.md promises. Exit code 1 when anything is off.
"""
import argparse
import json
import os
import pathlib
import sys

import common

common.neutral()

import torch

FOLDER_BYTES = 15_000_000
FOLDERS = ("core", "archs", "devices", "versions", "save", "digits")


def run_like(path: str, io: dict) -> dict:
    calls = [(c["method"], c["inputs"], c.get("kwargs", {})) for c in io.get("calls", [])]
    return common.execute(path, tuple(io["inputs"]), io.get("kwargs", {}), calls)


def problem(root: pathlib.Path, key: str, entry: dict) -> str:
    """What is wrong with one fixture, or nothing."""
    path = root / key
    if not path.exists():
        return "is missing"
    if path.stat().st_size > common.MAX_BYTES:
        return f"has {path.stat().st_size} bytes"
    if entry["kind"] == "torch.save":
        torch.load(path, weights_only=False)
        return ""
    if "torchvision" in entry["libraries"]:
        import torchvision  # noqa: F401, registers its operators
    if not entry["runs"]:
        try:
            torch.jit.load(str(path))
            loads = True
        except Exception:
            loads = False
        return "" if loads == entry.get("loads") else f"loads is {loads}, the manifest says {entry.get('loads')}"
    io = torch.load(path.with_suffix(".io.pt"), weights_only=False)
    return "" if common.same(run_like(str(path), io), io) else "computes something else"


def corpus_problems(folder: pathlib.Path) -> list:
    import torchvision  # noqa: F401

    out = []
    for file, entry in json.loads((folder / "manifest.json").read_text())["files"].items():
        if "refused" not in entry:
            io = torch.load(str(folder / file)[: -len(".pt")] + ".io.pt", weights_only=False)
            same = common.same(run_like(str(folder / file), io), io)
            print(f"{file}: {'same' if same else 'DIFFERS'}", flush=True)
            out += [] if same else [file]
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=pathlib.Path, default=pathlib.Path("testdata"))
    parser.add_argument("--corpus", type=pathlib.Path, help="check a folder made by corpus.py instead")
    options = parser.parse_args()
    if options.corpus:
        sys.exit(1 if corpus_problems(options.corpus) else 0)
    files = json.loads((options.data / "manifest.json").read_text())["files"]
    bad = []
    for key, entry in files.items():
        # a process each: a file's operators and classes must not help the next one
        pid = os.fork()
        if pid == 0:
            try:
                text = problem(options.data, key, entry)
            except Exception as error:
                text = common.last_line(str(error))
            if text:
                print(f"{key}: {text}", flush=True)
            os._exit(1 if text else 0)
        if os.waitpid(pid, 0)[1]:
            bad.append(key)
    total = 0
    for folder in FOLDERS:
        for path in (options.data / folder).iterdir():
            total += path.stat().st_size
            stem = f"{folder}/{path.name}"
            if path.name.endswith(".pt") and not path.name.endswith(".io.pt") and stem not in files:
                bad.append(stem)
                print(f"{stem}: is not in the manifest")
    if total > FOLDER_BYTES:
        bad.append("size")
        print(f"{total} bytes in all, more than {FOLDER_BYTES}")
    runs = sum(e["runs"] for e in files.values())
    print(f"{len(files)} files, {runs} of them run, {total} bytes; {len(bad)} problems with torch {torch.__version__.split('+')[0]}")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
