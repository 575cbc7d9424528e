"""Writes testdata/hostile/*.pt: small files that lie. Standard library only; run from anywhere:

    python3 testdata/gen/hostile.py

Names: `ok_*` must be accepted; `src_*` are sound containers whose source is bad; all others must be refused when
opened, decoded, or when their tensors are viewed. The smallest artifact that torch 2.11 loads is the starting point.
"""
import os
import struct
import zlib

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "hostile")
COUNT = 0

SOURCE = b"""class M(Module):
  training : bool
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    return torch.add(x, 1)
"""
EMPTY = b"\x80\x02)."


def save(name, data):
    global COUNT
    COUNT += 1
    with open(os.path.join(OUT, name + ".pt"), "wb") as out:
        out.write(data)


# ---- zip ----

class Rec:
    """One record; every header field can be overridden, in the local header (l_*) and the directory (c_*)."""

    def __init__(self, name, data, deflate=False, **fields):
        self.name = name if isinstance(name, bytes) else name.encode()
        self.data = data
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        self.raw = packer.compress(data) + packer.flush() if deflate else data
        self.method = 8 if deflate else 0
        self.fields = fields


def build(records, end=None, zip64=None, directory_tail=b"", count=None, comment=b"", tail=b"", gap=b""):
    """A zip of plain records. `end`/`zip64` override end-record fields by name."""
    body, central = b"", b""
    for it in records:
        f = it.fields
        offset = f.get("offset", len(body))
        crc = f.get("crc", zlib.crc32(it.data))
        size, csize = f.get("size", len(it.data)), f.get("csize", len(it.raw))
        method, flags = f.get("method", it.method), f.get("flags", 0)
        local_name, central_name = f.get("l_name", it.name), it.name
        if "at" not in f:
            body += struct.pack("<IHHHHHIIIHH", f.get("l_sig", 0x04034B50), 20, f.get("l_flags", flags),
                                f.get("l_method", method), 0, 0, crc, f.get("l_csize", csize), f.get("l_size", size),
                                len(local_name), f.get("l_extra_len", 0)) + local_name + it.raw
        extra = f.get("c_extra", b"")
        central += struct.pack("<IHHHHHHIIIHHHHHII", f.get("c_sig", 0x02014B50), 20, 20, flags, method, 0, 0, crc,
                               csize, size, f.get("c_name_len", len(central_name)), len(extra), 0, 0, 0, 0,
                               f.get("at", offset)) + central_name + extra
    body += gap
    e = {"disk": 0, "cd_disk": 0, "here": len(records), "total": len(records), "size": len(central) + len(directory_tail),
         "start": len(body)}
    if count is not None:
        e["here"] = e["total"] = count
    e.update(end or {})
    out = body + central + directory_tail
    if zip64 is not None:
        z = {"start": len(body), "size": len(central) + len(directory_tail), "count": len(records), "at": len(out), "length": 44}
        z.update(zip64)
        out += struct.pack("<IQHHIIQQQQ", 0x06064B50, z["length"], 45, 45, 0, 0, z["count"], z["count"], z["size"], z["start"])
        out += struct.pack("<IIQI", 0x07064B50, 0, z["at"], 1)
    out += struct.pack("<IHHHHIIH", 0x06054B50, e["disk"], e["cd_disk"], e["here"], e["total"], e["size"], e["start"], len(comment))
    return out + comment + tail


# ---- pickle ----

def u32(value):
    return struct.pack("<I", value)


def s(text):
    text = text if isinstance(text, bytes) else text.encode()
    return b"X" + u32(len(text)) + text


def glob(module, name):
    return b"c" + module.encode() + b"\n" + name.encode() + b"\n"


def i(value):
    if 0 <= value < 256:
        return b"K" + bytes([value])
    if -2**31 <= value < 2**31:
        return b"J" + struct.pack("<i", value)
    return b"\x8a\x08" + struct.pack("<q", value)


def tup(*items):
    return b"(" + b"".join(items) + b"t"


HOOKS = glob("collections", "OrderedDict") + b")R"


def storage(dtype="Float", key="0", location="cpu", count=4):
    return tup(s("storage"), glob("torch", dtype + "Storage"), s(key), s(location), i(count)) + b"Q"


def tensor(sizes=(4,), strides=(1,), offset=0, store=None, grad=b"\x89"):
    return (glob("torch._utils", "_rebuild_tensor_v2")
            + tup(store or storage(), i(offset), tup(*map(i, sizes)), tup(*map(i, strides)), grad, HOOKS) + b"R")


def module(**attributes):
    """The pickle of an object `__torch__.M` with these attributes (values are op bytes)."""
    attributes = {"training": b"\x89", **attributes}
    items = b"".join(s(key) + value for key, value in attributes.items())
    return b"\x80\x02" + glob("__torch__", "M") + b")\x81}(" + items + b"ub."


def records(data=None, constants=EMPTY, source=SOURCE, version=b"3\n", storages=None, extra=()):
    out = [Rec("A/version", version), Rec("A/data.pkl", data if data is not None else module()),
           Rec("A/constants.pkl", constants), Rec("A/code/__torch__.py", source)]
    for key, data in (storages or {}).items():
        out.append(Rec("A/" + key, data))
    return out + list(extra)


def pickled(name, data):
    save(name, build(records(data)))


def attribute(name, value, storages=None):
    save(name, build(records(module(a=value), storages=storages)))


F32 = {"data/0": b"\0" * 16}


# ---- containers ----

def containers():
    good = build(records())
    save("ok_minimal", good)
    save("ok_comment", build(records(), comment=b"hello"))
    save("ok_junk_after", good + b"junk" * 8)
    save("ok_dotdot_name", build(records(extra=[Rec("A/../../etc/passwd", b"x")])))
    save("ok_absolute_name", build(records(extra=[Rec("/etc/passwd", b"x")])))
    save("ok_case_insensitive", build([Rec("A/VERSION", b"3\n"), Rec("A/Data.pkl", module()),
                                       Rec("A/CONSTANTS.pkl", EMPTY), Rec("A/code/__torch__.py", SOURCE)]))
    save("ok_deflated", build([Rec(it.name, it.data, deflate=True) for it in records(module(a=tensor()), storages=F32)]))
    save("ok_zip64_end", build(records(), zip64={}))

    save("empty", b"")
    save("one_byte", b"P")
    save("text", b"this is not a model\n" * 4)
    save("lfs_pointer", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 12\n")
    save("preview", b"PYTORCH1" + b"\0" * 64)
    save("tar", b"sys_info\0".ljust(257, b"\0") + b"ustar\0" + b"\0" * 760)
    save("torch_save_legacy", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03.\x80\x02}.\x80\x02}.\x80\x02].")
    save("torch_save_zip", build([Rec("A/data.pkl", b"\x80\x02}."), Rec("A/version", b"3\n")]))
    save("legacy_model_json", build([Rec("A/version", b"1\n"), Rec("A/model.json", b"{}")]))
    save("torch_package", build([Rec("A/.data/version", b"6\n"), Rec("A/.data/extern_modules", b"")]))
    save("other_zip", build([Rec("word/document.xml", b"<x/>")]))
    save("no_folder", build([Rec(it.name[2:], it.data) for it in records()[:1]]))
    save("two_folders_deep", build([Rec(b"B/" + it.name, it.data) for it in records()]))
    save("junk_before", b"JUNKJUNK" + good)
    save("backslashes", build([Rec(it.name.replace(b"/", b"\\"), it.data) for it in records()]))

    end = good.rindex(b"PK\5\6")
    start = good.index(b"PK\1\2")
    save("cut_first_header", good[:20])
    save("cut_first_record", good[:60])
    save("cut_before_directory", good[:start])
    save("cut_in_directory", good[:start + 30])
    save("cut_before_end", good[:end])
    save("cut_in_end", good[:end + 12])
    save("only_end", good[end:])
    save("no_records", build([]))
    save("directory_past_end", build(records(), end={"start": 0x7FFFFFFF}))
    save("directory_too_long", build(records(), end={"size": 0x7FFFFFFF}))
    save("directory_too_short", build(records(), end={"size": 100}))
    save("directory_tail", build(records(), directory_tail=b"\0" * 32))
    save("count_too_large", build(records(), count=200))
    save("count_saturated", build(records(), count=0xFFFF))
    save("count_too_small", build(records(), count=2))
    save("several_disks", build(records(), end={"disk": 3, "cd_disk": 3}))
    save("directory_entry_bad_signature", build(records(extra=[Rec("A/x", b"x", c_sig=0x02014B51)])))
    save("directory_name_too_long", build(records(extra=[Rec("A/x", b"x", c_name_len=5000)])))

    save("zip64_locator_wild", build(records(), zip64={"at": 1 << 60}))
    save("zip64_locator_wrong", build(records(), zip64={"at": 4}))
    save("zip64_length_lies", build(records(), zip64={"length": 1 << 40}))
    save("zip64_count_lies", build(records(), zip64={"count": 1 << 60}, count=0xFFFF))
    save("zip64_count_disagrees", build(records(), zip64={"count": 3}))
    save("zip64_start_lies", build(records(), zip64={"start": (1 << 64) - 8}, end={"start": 0xFFFFFFFF}))
    save("zip64_size_lies", build(records(), zip64={"size": (1 << 64) - 1}, end={"size": 0xFFFFFFFF}))
    save("zip64_extra_missing", build(records(extra=[Rec("A/x", b"x", size=0xFFFFFFFF, csize=0xFFFFFFFF)])))
    wide = struct.pack("<HHQQ", 1, 16, 1 << 62, 1 << 62)
    save("zip64_size_wild", build(records(extra=[Rec("A/x", b"x", size=0xFFFFFFFF, csize=0xFFFFFFFF, c_extra=wide)])))

    save("duplicate_name", build(records(extra=[Rec("A/data.pkl", module())])))
    save("case_collision", build(records(extra=[Rec("A/DATA.pkl", module())])))
    save("nul_name", build(records(extra=[Rec("A/data.pkl\0x", b"x")])))
    save("empty_name", build(records(extra=[Rec("", b"x")])))
    save("encrypted", build(records(extra=[Rec("A/x", b"x", flags=1)])))
    save("strong_encryption", build(records(extra=[Rec("A/x", b"x", flags=1 | 64)])))
    save("method_bzip2", build(records(extra=[Rec("A/x", b"x", method=12)])))
    save("method_lzma", build(records(extra=[Rec("A/x", b"x", method=14)])))
    save("stored_size_lies", build(records(extra=[Rec("A/x", b"x", size=100)])))
    save("overlap_same_header", build(records(extra=[Rec("A/x", SOURCE, at=0)])))
    save("overlap_inside", build(records(extra=[Rec("A/x", b"yy", at=8)])))
    big = records()
    big[0] = Rec("A/version", b"3\n", csize=60, size=60)
    save("overlap_by_size", build(big))
    save("in_directory", build(records(extra=[Rec("A/x", b"x", at=start + 40)])))
    save("past_directory", build(records(extra=[Rec("A/x", b"x", at=0x7FFFFFF0)])))
    last = records()
    last[3] = Rec("A/code/__torch__.py", SOURCE, csize=4000, size=4000)
    save("record_into_directory", build(last))
    for field, value in (("l_sig", 0x04034B51), ("l_name", b"A/data.pkX"), ("l_method", 8), ("l_flags", 8),
                         ("l_size", 5), ("l_extra_len", 60000), ("l_extra_len", 20)):
        bad = records()
        bad[1] = Rec("A/data.pkl", module(), **{field: value})
        save(f"local_{field[2:]}_{'wrong' if value != 20 else 'overlap'}", build(bad))

    def deflated(name, **fields):
        bad = records()
        bad[1] = Rec("A/data.pkl", module(), deflate=True, **fields)
        save(name, build(bad))
    deflated("deflate_size_too_small", size=20)
    deflated("deflate_size_too_large", size=200)
    deflated("deflate_size_wild", size=0xFFFFFFF0)
    deflated("deflate_crc_wrong", crc=1)
    deflated("deflate_cut", csize=20)
    bad = records()
    bad[1] = Rec("A/data.pkl", module(), method=8)
    save("deflate_garbage", build(bad))
    bad[1] = Rec("A/data.pkl", module() + b"\0" * (3 << 20), deflate=True)
    save("deflate_bomb_text", build(bad))
    zeros = b"\0" * (70 << 20)
    save("deflate_bomb_storage", build(records(module(a=tensor((4,), (1,))), extra=[Rec("A/data/0", zeros, deflate=True)])))
    save("deflate_bomb_many", build(records(extra=[Rec(f"A/extra/{k}", b"", method=8, size=1 << 20) for k in range(8)])))

    for name, text in (("empty", b""), ("word", b"three"), ("negative", b"-1"), ("zero", b"0\n"), ("eleven", b"11\n"),
                       ("huge", b"9" * 40), ("binary", b"\xff\xfe3")):
        save("version_" + name, build(records(version=text)))
    for missing in ("version", "data.pkl", "constants.pkl"):
        save("missing_" + missing.replace(".", "_"), build([it for it in records() if it.name != b"A/" + missing.encode()]))
    save("wrong_case_and_twice", build(records(extra=[Rec("A/.data/version", b"x"), Rec("A/.DATA/version", b"3")])))


# ---- pickles ----

def pickles():
    M = glob("__torch__", "M")
    save("ok_self_containing_list", build(records(module(a=b"]q\x01(h\x01e"))))
    attribute("ok_tensor", tensor(), F32)
    attribute("ok_sparse_memo_id", b"]r" + u32(0x4000))
    # Each tuple holds the one before twice: 2**60 leaves for who expands it.
    doubling = b")q\1" + b"".join(b"h%ch%c\x86q%c" % (k, k, k + 1) for k in range(1, 61))
    save("ok_shared_dag", build(records(module(a=b"(" + doubling + b"t"))))
    for name, length in (("cut_proto", 1), ("cut_global", 10), ("cut_mid", 30)):
        pickled("pickle_" + name, module()[:length])
    pickled("pickle_empty", b"")
    pickled("pickle_no_stop", module()[:-1])
    pickled("pickle_no_proto", module()[2:])
    pickled("pickle_protocol_3", b"\x80\x03" + module()[2:])
    pickled("pickle_protocol_4", b"\x80\x04" + module()[2:])
    pickled("pickle_second_proto", b"\x80\x02\x80\x02N.")
    pickled("pickle_text", b"hello world")
    for name, op in (("pop", b"N0"), ("dup", b"N2"), ("int", b"I1\n"), ("short_unicode", b"\x8c\x01a"), ("bytes", b"B\1\0\0\0a"),
                     ("memoize", b"N\x94"), ("frame", b"\x95" + b"\0" * 8), ("inst", b"(i__torch__\nM\n"), ("ext", b"\x82\1"),
                     ("ff", b"\xff")):
        pickled("opcode_" + name, b"\x80\x02" + op + b".")
    pickled("stack_underflow", b"\x80\x02\x86.")
    pickled("stack_under_mark", b"\x80\x02N(\x85.")
    pickled("stack_empty_at_stop", b"\x80\x02.")
    pickled("stack_left_over", b"\x80\x02NN.")
    pickled("mark_left_over", b"\x80\x02(N.")
    pickled("mark_missing", b"\x80\x02Nt.")
    pickled("memo_unset", b"\x80\x02h\x05.")
    pickled("memo_giant_id", b"\x80\x02Nr" + u32(0x10000000) + b".")
    pickled("memo_put_nothing", b"\x80\x02q\0.")
    pickled("memo_get_giant", b"\x80\x02j" + u32(0xFFFFFFFF) + b".")
    pickled("string_giant_length", b"\x80\x02X" + u32(0xFFFFFFFF) + b"abc.")
    pickled("long1_of_1", b"\x80\x02\x8a\x01\x05.")
    pickled("long1_of_200", b"\x80\x02\x8a\xc8" + b"\1" * 200 + b".")
    pickled("long1_cut", b"\x80\x02\x8a\xff\1.")
    pickled("append_to_tuple", b"\x80\x02)Na.")
    pickled("appends_to_dict", b"\x80\x02}(Ne.")
    pickled("setitems_odd", b"\x80\x02}(NNNu.")
    pickled("setitems_on_list", b"\x80\x02](NNu.")
    pickled("build_on_none", b"\x80\x02N}b.")
    pickled("reduce_of_int", b"\x80\x02K\1)R.")
    pickled("newobj_of_function", b"\x80\x02" + glob("torch._utils", "_rebuild_tensor_v2") + b")\x81.")
    pickled("newobj_with_arguments", b"\x80\x02" + M + b"K\1\x85\x81}b.")
    pickled("object_without_state", b"\x80\x02" + M + b")\x81.")
    pickled("global_os_system", b"\x80\x02" + glob("os", "system") + s("true") + b"\x85R.")
    pickled("global_builtins_eval", b"\x80\x02" + glob("builtins", "eval") + s("1") + b"\x85R.")
    pickled("global_not_utf8", b"\x80\x02c\xff\xfe\nM\n)\x81}b.")
    pickled("global_cut", b"\x80\x02c__torch__\nM")
    pickled("global_giant_name", b"\x80\x02" + glob("__torch__", "M" * 5000) + b")\x81}b.")
    pickled("nested_tuples", b"\x80\x02)" + b"\x85" * 5000 + b".")
    attribute("nested_tuples_inside", b")" + b"\x85" * 5000)
    attribute("nested_lists", b"]" * 3000 + b"a" * 2999)
    attribute("nested_dicts", b"}" + b"".join(b"K\1" + b"}" for _ in range(2000)) + b"s" * 2000)
    attribute("memo_loop_grows", b"]q\1" + b"h\1h\1a" * 2000)
    attribute("typed_list_of_wrong_items", glob("torch.jit._pickle", "build_intlist") + b"](" + s("a") + b"e\x85R")
    attribute("type_tag_on_int", glob("torch.jit._pickle", "restore_type_tag") + b"K\1" + s("List[int]") + b"\x86R")
    attribute("type_tag_not_text", glob("torch.jit._pickle", "restore_type_tag") + b"]K\1\x86R")
    attribute("device_of_int", glob("torch", "device") + b"K\1\x85R")
    attribute("complex_of_ints", glob("builtins", "complex") + b"K\1K\1\x86R")
    attribute("python_dtype", glob("torch", "float16"))
    attribute("tensor_v1", glob("torch._utils", "_rebuild_tensor") + tup(storage(), i(0), tup(i(4)), tup(i(1))) + b"R", F32)
    attribute("tensor_from_id", glob("torch.jit._pickle", "build_tensor_from_id") + b"K\0\x85R")
    attribute("tensor_few_arguments", glob("torch._utils", "_rebuild_tensor_v2") + tup(storage(), i(0)) + b"R", F32)
    attribute("tensor_many_arguments", glob("torch._utils", "_rebuild_tensor_v2") + tup(*[b"N"] * 40) + b"R", F32)
    attribute("tensor_of_none", glob("torch._utils", "_rebuild_tensor_v2") + tup(b"N", i(0), tup(), tup(), b"\x89", HOOKS) + b"R")

    save("root_is_tuple", build(records(b"\x80\x02).")))
    save("root_is_dict", build(records(b"\x80\x02}.")))
    save("root_is_int", build(records(b"\x80\x02K\1.")))
    save("constants_is_list", build(records(constants=b"\x80\x02].")))
    save("constants_cut", build(records(constants=b"\x80\x02")))
    save("constants_bad_tensor", build(records(constants=b"\x80\x02" + tensor((5,)) + b"\x85.", storages={"constants/0": b"\0" * 16})))


# ---- tensors ----

def tensors():
    attribute("storage_missing", tensor())
    attribute("storage_short", tensor(), {"data/0": b"\0" * 15})
    attribute("storage_empty", tensor(), {"data/0": b""})
    attribute("storage_count_wild", tensor(store=storage(count=1 << 62)), F32)
    attribute("storage_count_overflows", tensor(store=storage(count=(1 << 63) - 1)), F32)
    attribute("storage_count_negative", tensor(store=storage(count=-1)), F32)
    attribute("storage_unknown_dtype", tensor(store=storage("Quaternion")), F32)
    attribute("storage_untyped", tensor(store=tup(s("storage"), glob("torch.storage", "UntypedStorage"), s("0"), s("cpu"), i(16)) + b"Q"), F32)
    attribute("storage_dtype_swapped", tensor(store=storage("Double")), F32)
    attribute("storage_kind", tup(s("module"), glob("torch", "FloatStorage"), s("0"), s("cpu"), i(4)) + b"Q", F32)
    attribute("storage_key_is_int", tup(s("storage"), glob("torch", "FloatStorage"), i(0), s("cpu"), i(4)) + b"Q", F32)
    attribute("storage_key_is_path", tensor(store=storage(key="../version")), F32)
    attribute("storage_tuple_short", tup(s("storage"), glob("torch", "FloatStorage")) + b"Q", F32)
    attribute("storage_id_is_text", s("storage") + b"Q", F32)
    attribute("storage_unused_short", storage(count=400), F32)
    attribute("view_size", tensor((5,)), F32)
    attribute("view_stride", tensor((2,), (4,)), F32)
    attribute("view_offset", tensor((4,), (1,), 1), F32)
    attribute("view_offset_wild", tensor((1,), (1,), (1 << 62)), F32)
    attribute("view_stride_overflows", tensor((3, 3), (1 << 62, 1 << 62)), F32)
    attribute("view_size_negative", tensor((-4,)), F32)
    attribute("view_stride_negative", tensor((4,), (-1,)), F32)
    attribute("view_offset_negative", tensor((1,), (1,), -1), F32)
    attribute("view_rank_mismatch", tensor((2, 2), (1,)), F32)
    attribute("view_numel_overflows", tensor((1 << 40, 1 << 40), (0, 0)), F32)
    attribute("view_numel_overflows_with_zero", tensor((1 << 40, 1 << 40, 0), (0, 0, 0)), F32)
    attribute("view_rank_wild", tensor((1,) * 200, (1,) * 200), F32)
    attribute("view_scalar_offset", tensor((), (), 4), F32)
    attribute("view_sizes_of_floats", glob("torch._utils", "_rebuild_tensor_v2")
              + tup(storage(), i(0), tup(b"G" + b"\0" * 8), tup(i(1)), b"\x89", HOOKS) + b"R", F32)
    attribute("grad_is_int", tensor(grad=b"K\1"), F32)

    def quantized(name, quantizer):
        value = glob("torch._utils", "_rebuild_qtensor") + tup(storage("QInt8"), i(0), tup(i(4)), tup(i(1)), quantizer, b"\x89", HOOKS) + b"R"
        attribute(name, value, {"data/0": b"\0" * 4})
    scale = b"G" + struct.pack(">d", 0.5)
    quantized("ok_quantized", tup(glob("torch", "per_tensor_affine"), scale, i(0)))
    quantized("quantizer_empty", tup())
    quantized("quantizer_is_none", b"N")
    quantized("quantizer_unknown", tup(glob("torch", "device"), scale, i(0)))
    quantized("quantizer_scale_is_text", tup(glob("torch", "per_tensor_affine"), s("1"), i(0)))
    quantized("quantizer_channel_without_tensors", tup(glob("torch", "per_channel_affine"), scale, i(0), i(0)))
    quantized("quantizer_few", tup(glob("torch", "per_tensor_affine"), scale))

    def sparse(name, layout, *parts):
        attribute(name, glob("torch._utils", "_rebuild_sparse_tensor") + tup(i(layout), tup(i(4)), b"\x89", *parts, HOOKS) + b"R", F32)
    sparse("sparse_layout_unknown", 77, tensor(), tensor())
    sparse("sparse_parts_missing", 1)
    sparse("sparse_parts_are_ints", 1, i(0), i(1))
    sparse("sparse_part_out_of_range", 1, tensor((9,)), tensor())
    attribute("conj_bits_junk", glob("torch._utils", "_rebuild_tensor_v2")
              + tup(storage(), i(0), tup(i(4)), tup(i(1)), b"\x89", HOOKS, b"K\1") + b"R", F32)

    traced = b"\x80\x02" + tensor() + b"\x85."
    save("ok_traced_without_data", build(records(extra=[Rec("A/traced_inputs.pkl", traced), Rec("A/traced_inputs/0", b"")])))
    save("traced_short", build(records(extra=[Rec("A/traced_inputs.pkl", traced), Rec("A/traced_inputs/0", b"\0" * 8)])))
    save("traced_garbage", build(records(extra=[Rec("A/traced_inputs.pkl", b"junk")])))
    save("ok_meta_without_data", build(records(module(a=tensor(store=storage(location="meta"))), storages={"data/0": b""})))


# ---- sources: the container is sound ----

def sources():
    def source(name, text, data=None):
        text = text if isinstance(text, bytes) else text.encode()
        save("src_" + name, build([Rec(it.name, it.data, deflate=len(it.data) > 200) for it in records(data, source=text)]))

    def body(name, *lines):
        source(name, SOURCE.decode().replace("    return torch.add(x, 1)\n", "".join(f"    {line}\n" for line in lines)))
    body("nested_parentheses", "return torch.neg(" + "(" * 50000 + "x" + ")" * 50000 + ")")
    body("nested_calls", "return " + "torch.neg(" * 20000 + "x" + ")" * 20000)
    body("nested_lists", "y = " + "[" * 50000 + "]" * 50000, "return x")
    body("long_sum", "return " + "x + " * 50000 + "x")
    body("unary_chain", "y = " + "-" * 50000 + "1", "return x")
    body("not_chain", "y = " + "not " * 30000 + "True", "return x")
    body("power_chain", "y = " + "2 ** " * 30000 + "2", "return x")
    body("subscript_chain", "return x" + "[0]" * 30000)
    body("attribute_chain", "return self" + ".a" * 30000)
    body("ternary_chain", "y = " + "1 if True else " * 20000 + "2", "return x")
    body("nested_type", "y = annotate(" + "List[" * 20000 + "int" + "]" * 20000 + ", [])", "return x")
    # One space deeper per line is quadratic in bytes; deflate makes it small.
    source("deep_indentation", SOURCE + b"".join(b" " * (k + 4) + b"if True:\n" for k in range(1200)))
    source("deep_indentation_one_line", SOURCE + b" " * 100000 + b"return x\n")
    body("string_unterminated", "y = \"abc", "return x")
    body("string_triple_unterminated", 'y = """abc', "return x")
    body("string_bad_escape", 'y = "a\\qb"', "return x")
    body("string_carriage_return_escape", 'y = "a\\rb"', "return x")
    body("string_at_end", 'return "')
    body("integer_too_large", "y = 9223372036854775808", "return x")
    body("integer_giant", "y = " + "9" * 20000, "return x")
    body("float_giant_exponent", "y = 1e999999999999999999999", "return y")
    body("number_junk", "y = 1.2.3.4", "return x")
    body("brackets_crossed", "return torch.add((x], 1)")
    body("bracket_open_at_end", "return torch.add(x, (")
    body("statement_try", "try:", "  pass", "return x")
    body("lambda", "y = lambda: 1", "return x")
    body("unknown_operator", "return torch.no_such_operator(x)")
    body("unknown_namespace", "return ops.nowhere.nothing(x)")
    body("undefined_name", "return y")
    body("one_branch_only", "if torch.is_grad_enabled():", "  y = x", "return y")
    body("wrong_argument_type", 'return torch.dropout(x, "half", False)')
    body("too_many_arguments", "return torch.neg(x, x, x, x, x, x)")
    body("unknown_keyword", "return torch.add(x, 1, beta=2)")
    body("wrong_return_type", "return 1")
    body("method_recursion", "return (self).forward(x, )")
    body("missing_attribute", "return torch.add(x, self.nope)")
    body("missing_method", "return (self).nope(x, )")
    body("constant_out_of_range", "return torch.add(x, CONSTANTS.c7)")
    body("constant_giant_index", "return torch.add(x, CONSTANTS.c99999999999999999999)")
    body("unpack_count", "a, b, c, = (x, x)", "return a")
    body("assign_to_call", "torch.neg(x) = x", "return x")
    body("unknown_type", "y : __torch__.Nowhere = x", "return x")
    body("break_outside_loop", "break", "return x")
    body("empty_body")
    body("loop_forever_parse", "while True:", "  pass", "return x")
    source("missing_class", SOURCE.replace(b"class M", b"class N"))
    source("empty", b"")
    source("only_newlines", b"\n" * 1000)
    source("no_final_newline", SOURCE[:-1])
    source("nul", SOURCE.replace(b"add", b"a\0d"))
    source("bom", b"\xef\xbb\xbf" + SOURCE)
    source("not_utf8", SOURCE.replace(b"add", b"\xff\xfe"))
    source("identifier_not_ascii", SOURCE.replace(b"torch.add(x, 1)", "torch.add(ä, 1)".encode()))
    source("top_level_statement", b"import os.path\nx = 1\n" + SOURCE)
    source("class_inherits_unknown", SOURCE.replace(b"(Module)", b"(Exception)"))
    source("class_twice", SOURCE + SOURCE)
    source("method_twice", SOURCE + SOURCE[SOURCE.index(b"  def"):])
    source("attribute_twice", SOURCE.replace(b"  training : bool\n", b"  training : bool\n  training : int\n"))
    source("attribute_not_in_pickle", SOURCE.replace(b"  training : bool\n", b"  training : bool\n  w : Tensor\n"))
    source("attribute_unknown_type", SOURCE.replace(b"  training : bool\n", b"  training : bool\n  w : __torch__.Nope\n"))
    source("attribute_wrong_type", SOURCE.replace(b"  training : bool\n", b"  training : List[int]\n"))
    source("attribute_contains_itself", SOURCE.replace(b"  training : bool\n", b"  training : bool\n  m : __torch__.M\n"),
           b"\x80\x02" + glob("__torch__", "M") + b")\x81q\1}(" + s("training") + b"\x89" + s("m") + b"h\1ub.")
    source("parameter_list_not_strings", SOURCE.replace(b"  training", b"  __parameters__ = [1, 2]\n  training"))
    source("parameter_not_declared", SOURCE.replace(b"  training", b'  __parameters__ = ["w", ]\n  training'))
    source("no_forward", SOURCE[:SOURCE.index(b"  def")])
    source("functions_call_each_other", SOURCE.replace(b"torch.add(x, 1)", b"__torch__.f(x, )")
           + b"def f(x: Tensor) -> Tensor:\n  return __torch__.g(x, )\ndef g(x: Tensor) -> Tensor:\n  return __torch__.f(x, )\n")
    source("many_parameters", SOURCE.replace(b"x: Tensor)", b"x: Tensor, " + b", ".join(b"p%d: int" % k for k in range(3000)) + b")"))
    source("default_wrong_type", SOURCE.replace(b"x: Tensor)", b'x: Tensor, k: int="a")'))
    source("star_arguments", SOURCE.replace(b"x: Tensor)", b"*x: Tensor)"))


if __name__ == "__main__":
    os.makedirs(OUT, exist_ok=True)
    for old in os.listdir(OUT):
        if old.endswith(".pt"):
            os.remove(os.path.join(OUT, old))
    containers()
    pickles()
    tensors()
    sources()
    total = sum(os.path.getsize(os.path.join(OUT, it)) for it in os.listdir(OUT))
    print(f"{COUNT} files, {total} bytes")
