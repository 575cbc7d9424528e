"""What every generator shares: a neutral place to run from, the fixture registry, and the manifest.

A generator starts with `import common; common.neutral()` before it imports torch. That runs the script again from
/tmp/gen, where torch is reached through a link, so that the Python paths torch writes into debug records do not
depend on the machine; it also fixes the hash seed and uses one thread.

Each fixture is made in a child process of its own, so name mangling starts afresh and a file's bytes do not depend
on the fixtures made before it.
"""
import argparse
import fcntl
import filecmp
import importlib.metadata
import json
import os
import pathlib
import shutil
import sys
import sysconfig
import traceback
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import Any, Callable, Dict, List, Optional, Tuple

NEUTRAL = pathlib.Path("/tmp/gen")
# testdata/README.md promises this for every stored file.
MAX_BYTES = 600_000


def neutral() -> None:
    """Runs the calling script again from the neutral path; returns only in that second run."""
    if os.environ.get("PTOOL_GEN") == "1":
        return
    place = NEUTRAL / importlib.metadata.version("torch").split("+")[0]
    source = pathlib.Path(__file__).resolve().parent
    for path in source.rglob("*.py"):
        copy = place / path.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        if not copy.exists() or not filecmp.cmp(path, copy, shallow=False):
            shutil.copyfile(path, copy)
    site = place / "site"
    target = sysconfig.get_paths()["purelib"]
    if not site.is_symlink() or os.readlink(site) != target:
        site.unlink(missing_ok=True)
        site.symlink_to(target)
    script = place / pathlib.Path(sys.argv[0]).resolve().relative_to(source)
    env = dict(
        os.environ, PTOOL_GEN="1", PYTHONPATH=f"{site}:{place}", PYTHONHASHSEED="0", OMP_NUM_THREADS="1", MKL_NUM_THREADS="1",
        PYTHONDONTWRITEBYTECODE="1", PYTHONWARNINGS="ignore", CUDA_VISIBLE_DEVICES="",
    )
    os.execve(sys.executable, [sys.executable, str(script), *sys.argv[1:]], env)


@dataclass
class Case:
    """One fixture: the module to save, the arguments of `forward`, and what the manifest says of it."""

    module: Any
    args: Tuple = ()
    kwargs: Dict[str, Any] = field(default_factory=dict)
    # further calls made in order on the same loaded module: (method, args) or (method, args, kwargs)
    calls: List[Tuple] = field(default_factory=list)
    kind: Optional[str] = None
    runs: bool = True
    random: bool = False
    libraries: List[str] = field(default_factory=list)
    extra_files: Optional[Dict[str, str]] = None
    # called with the saved path, to edit the file (old version numbers, hand-written sources)
    edit: Optional[Callable[[str], None]] = None
    why_not: Optional[str] = None
    notes: Dict[str, Any] = field(default_factory=dict)


REGISTRY: Dict[str, Tuple[str, Callable[[], Case]]] = {}


def fixture(fn: Callable[[], Case]) -> Callable[[], Case]:
    """Registers `fn`: its name is the file's stem, its docstring the manifest's `about`."""
    if fn.__name__ in REGISTRY:
        raise ValueError(f"fixture `{fn.__name__}` is defined twice")
    REGISTRY[fn.__name__] = ((fn.__doc__ or "").strip(), fn)
    return fn


def seed(name: str) -> None:
    """Seeds torch from the fixture's name, so that adding a fixture changes no other."""
    import torch

    torch.manual_seed(zlib.crc32(name.encode()))


def plain(value: Any) -> Any:
    """A value `torch.save` writes without Python classes: named tuples become tuples, tensors are detached copies."""
    import torch

    if isinstance(value, torch.Tensor):
        value = value.detach()
        return value if value.layout != torch.strided or value.is_quantized else value.clone()
    if isinstance(value, (tuple, list)):
        items = [plain(v) for v in value]
        return tuple(items) if isinstance(value, tuple) else items
    if isinstance(value, dict):
        return {plain(k): plain(v) for k, v in value.items()}
    if value is None or isinstance(value, (bool, int, float, complex, str, torch.device)):
        return value
    raise TypeError(f"a fixture may not return a value of type `{type(value).__name__}`")


def same(a: Any, b: Any) -> bool:
    """Equality of two plain values, bit by bit for tensors (so NaN equals the same NaN)."""
    import torch

    if isinstance(a, torch.Tensor):
        if not isinstance(b, torch.Tensor) or (a.dtype, a.shape, a.layout) != (b.dtype, b.shape, b.layout):
            return False
        if a.is_quantized:
            return a.qscheme() == b.qscheme() and same(a.int_repr(), b.int_repr()) and same(a.dequantize(), b.dequantize())
        if a.layout != torch.strided:
            return same(a.to_dense(), b.to_dense())
        if a.device.type == "meta" or a.numel() == 0:
            return a.device == b.device
        a, b = a.resolve_conj().resolve_neg(), b.resolve_conj().resolve_neg()
        return bytes(a.contiguous().reshape(-1).view(torch.uint8).numpy()) == bytes(b.contiguous().reshape(-1).view(torch.uint8).numpy())
    if type(a) is not type(b):
        return False
    if isinstance(a, (tuple, list)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    return a == b or (a != a and b != b)


def describe(value: Any) -> Any:
    """Shape and dtype of each tensor in a value, and the type of everything else, for the manifest."""
    import torch

    if isinstance(value, torch.Tensor):
        return {"shape": list(value.shape), "dtype": str(value.dtype).removeprefix("torch.")}
    if isinstance(value, (tuple, list)):
        return [describe(v) for v in value]
    if isinstance(value, dict):
        return {str(k): describe(v) for k, v in value.items()}
    return type(value).__name__


def call(module: Any, method: str, args: Tuple, kwargs: Dict[str, Any]) -> Tuple[str, Any, Any]:
    """Runs one method with a fixed seed; gives ("ok", result, args afterwards) or ("raises", message, None)."""
    import torch

    torch.manual_seed(0)
    args, kwargs = copy_args(args), copy_args(kwargs)
    try:
        with torch.no_grad():
            result = getattr(module, method)(*args, **kwargs)
        return "ok", plain(result), args
    except Exception as error:
        return "raises", last_line(str(error)), None


def last_line(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return lines[-1] if lines else ""


def copy_args(value: Any) -> Any:
    import torch

    if isinstance(value, torch.Tensor):
        return value.detach().clone()
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*[copy_args(v) for v in value])
    if isinstance(value, (tuple, list)):
        return type(value)(copy_args(v) for v in value)
    if isinstance(value, dict):
        return {k: copy_args(v) for k, v in value.items()}
    return value


def execute(path: str, case_args: Tuple, kwargs: Dict[str, Any], calls: List[Tuple]) -> Dict[str, Any]:
    """Loads a file with stock torch and makes the calls; gives the content of NAME.io.pt."""
    import torch

    torch.set_num_threads(1)
    module = torch.jit.load(path)
    io: Dict[str, Any] = {"inputs": [plain(a) for a in case_args]}
    if kwargs:
        io["kwargs"] = plain(kwargs)
    status, result, after = call(module, "forward", case_args, kwargs)
    io["outputs"] = [result] if status == "ok" else []
    if status == "raises":
        io["raises"] = result
    elif not same([plain(a) for a in after], io["inputs"]):
        io["inputs_after"] = [plain(a) for a in after]
    done = []
    for entry in calls:
        method, args, kw = (*entry, {})[:3]
        status, result, _ = call(module, method, tuple(args), kw)
        record = {"method": method, "inputs": [plain(a) for a in args], "outputs": [result] if status == "ok" else []}
        if kw:
            record["kwargs"] = plain(kw)
        if status == "raises":
            record["raises"] = result
        done.append(record)
    if done:
        io["calls"] = done
    return io


def kind_of(module: Any) -> str:
    import torch

    if isinstance(module, torch.jit.TopLevelTracedModule) or isinstance(module, getattr(torch.jit, "TracedModule", ())):
        return "traced"
    return "scripted"


def file_version(path: str) -> int:
    """The number in the file's version record."""
    with zipfile.ZipFile(path) as archive:
        names = {n.split("/", 1)[1]: n for n in archive.namelist()}
        name = names.get(".data/version") or names["version"]
        return int(archive.read(name).split()[0])


def make(name: str, out: pathlib.Path) -> Dict[str, Any]:
    """Makes one fixture and its NAME.io.pt; gives its manifest entry."""
    import torch

    torch.set_num_threads(1)
    about, build = REGISTRY[name]
    seed(name)
    case = build()
    path = str(out / f"{name}.pt")
    kind = case.kind or kind_of(case.module)
    torch.jit.save(case.module, path, **({"_extra_files": case.extra_files} if case.extra_files else {}))
    if case.edit:
        case.edit(path)
    entry: Dict[str, Any] = {"about": about, "kind": kind, "torch": torch.__version__.split("+")[0], "version": file_version(path)}
    entry["runs"] = case.runs
    entry["libraries"] = case.libraries
    entry.update(case.notes)
    io_path = out / f"{name}.io.pt"
    io_path.unlink(missing_ok=True)
    if case.runs:
        io = execute(path, tuple(case.args), case.kwargs, case.calls)
        again = execute(path, tuple(case.args), case.kwargs, case.calls)
        if not same(io, again):
            raise RuntimeError("two runs of the loaded file with one seed differ")
        torch.save(io, io_path)
        entry["inputs"] = [describe(a) for a in case.args]
        if case.kwargs:
            entry["kwargs"] = describe(case.kwargs)
        entry["deterministic"] = not case.random
        if case.random:
            entry["seed"] = 0
        if "raises" in io:
            entry["raises"] = io["raises"]
    else:
        entry["why_not"] = case.why_not or ""
        try:
            torch.jit.load(path)
            entry["loads"] = True
        except Exception as error:
            entry["loads"] = False
            entry["load_error"] = next((line for line in str(error).splitlines() if line.strip()), "")
    for file in (path, str(io_path)):
        if os.path.exists(file) and os.path.getsize(file) > MAX_BYTES:
            raise RuntimeError(f"`{file}` has {os.path.getsize(file)} bytes, more than {MAX_BYTES}")
    return entry


def in_child(name: str, out: pathlib.Path) -> Optional[Dict[str, Any]]:
    """`make` in a forked process; None after a failure, whose traceback is printed."""
    receive, send = os.pipe()
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        os.close(receive)
        code = 1
        try:
            data = json.dumps(make(name, out)).encode()
            with os.fdopen(send, "wb") as pipe:
                pipe.write(data)
            code = 0
        except BaseException:
            print(f"{name}: ...{traceback.format_exc()[-700:]}", file=sys.stderr)
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    os.close(send)
    with os.fdopen(receive, "rb") as pipe:
        data = pipe.read()
    _, status = os.waitpid(pid, 0)
    return json.loads(data) if status == 0 and data else None


def update_manifest(path: pathlib.Path, entries: Dict[str, Dict[str, Any]], drop_prefix: Optional[str] = None) -> None:
    """Merges entries into the manifest, under a lock; with `drop_prefix`, entries below it that were not made again go."""
    with open(path.with_suffix(".lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = json.loads(path.read_text())["files"] if path.exists() else {}
        if drop_prefix is not None:
            files = {k: v for k, v in files.items() if not k.startswith(drop_prefix) or k in entries}
        files.update(entries)
        text = ",\n".join(f"  {json.dumps(k)}: {json.dumps(files[k], sort_keys=True)}" for k in sorted(files))
        path.write_text('{"files": {\n' + text + "\n}}\n")
    path.with_suffix(".lock").unlink(missing_ok=True)


def main(generator: str, prefix: str = "") -> None:
    """Command line of a generator: `--out FOLDER`, `--only NAME` (several), `--list`."""
    parser = argparse.ArgumentParser(description=f"makes the fixtures of {generator}")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--only", action="append", help="part of a fixture's name")
    parser.add_argument("--list", action="store_true")
    options = parser.parse_args()
    names = [n for n in REGISTRY if not options.only or any(o in n for o in options.only)]
    if options.list:
        print("\n".join(names))
        return
    options.out.mkdir(parents=True, exist_ok=True)
    folder, manifest = options.out.name, options.out.parent / "manifest.json"
    entries, failed = {}, []
    for name in names:
        entry = in_child(name, options.out)
        if entry is None:
            failed.append(name)
            print(f"FAILED {name}", flush=True)
            continue
        entry["generator"] = generator
        entries[f"{folder}/{name}.pt"] = entry
        raised = f"  raises: {entry['raises']}" if "raises" in entry else ""
        print(f"{entry['kind']:<10} v{entry['version']:<3} {name}{raised}", flush=True)
    drop = None if options.only or failed else f"{folder}/{prefix}"
    update_manifest(manifest, entries, drop)
    print(f"{len(entries)} made, {len(failed)} failed {' '.join(failed)}")
    sys.exit(1 if failed else 0)
