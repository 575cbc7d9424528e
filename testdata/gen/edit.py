"""Edits of a saved file: its version number, its source text, its pickles, its records."""
import pickletools
import zipfile
from typing import Callable, List, Optional, Tuple

Records = List[Tuple[str, bytes]]


def read(path: str) -> Tuple[str, Records]:
    """The archive's name and its records in file order."""
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        return names[0].split("/", 1)[0], [(n.split("/", 1)[1], archive.read(n)) for n in names]


def write(path: str, top: str, records: Records) -> None:
    """A plain zip: ordinary headers, no alignment, text deflated as torch does."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in records:
            deflate = name.startswith("code/") and len(data) > 200
            info = zipfile.ZipInfo(f"{top}/{name}")
            info.compress_type = zipfile.ZIP_DEFLATED if deflate else zipfile.ZIP_STORED
            archive.writestr(info, data)


def as_version(number: int, source: Optional[Callable[[str], str]] = None, keep_debug: bool = False) -> Callable[[str], None]:
    """An edit that sets the version number and rewrites every source; debug records go, as they describe other text."""

    def edit(path: str) -> None:
        top, records = read(path)
        out: Records = []
        for name, data in records:
            if name in ("version", ".data/version", ".data/serialization_id") or (name.endswith(".debug_pkl") and not keep_debug):
                continue
            if name.endswith(".py") and source:
                data = source(data.decode()).encode()
            out.append((name, data))
        out.append(("version" if number < 6 else ".data/version", f"{number}\n".encode()))
        write(path, top, out)

    return edit


def change_records(change: Callable[[Records], Records]) -> Callable[[str], None]:
    """An edit of the list of records."""

    def edit(path: str) -> None:
        top, records = read(path)
        write(path, top, change(records))

    return edit


def with_text(data: bytes, old: str, new: str) -> bytes:
    """A pickle with every short string `old` replaced; BINUNICODE carries its length, nothing else moves."""
    out, last = bytearray(), 0
    for opcode, argument, at in pickletools.genops(data):
        if opcode.name == "BINUNICODE" and argument == old:
            text = new.encode()
            out += data[last:at] + b"X" + len(text).to_bytes(4, "little") + text
            last = at + 5 + len(old.encode())
    return bytes(out + data[last:])


def storages_on(device: str) -> Callable[[str], None]:
    """An edit that moves every storage (and every other text `cpu`) of the pickles to a device."""

    def change(records: Records) -> Records:
        pickles = ("data.pkl", "constants.pkl", "traced_inputs.pkl")
        kept = [(n, d) for n, d in records if n != ".data/serialization_id"]
        return [(n, with_text(d, "cpu", device) if n in pickles else d) for n, d in kept]

    return change_records(change)
