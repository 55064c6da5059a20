"""Every broken input is refused: one line that names the file, and nothing left behind."""

import struct

import numpy as np
import pytest

from conftest import assert_refused
from containers import gguf_bytes, gguf_string, safetensors_bytes

ARRAY = np.random.default_rng(2).standard_normal((4, 64), np.float32)
TWO = {"a.weight": ARRAY, "b.weight": ARRAY}


def safetensors(change=None):
    return safetensors_bytes({name: ("F32", array) for name, array in TWO.items()}, header=change)


def entry(name="b.weight", **fields):
    """A safetensors file with other fields in one entry."""
    return safetensors(lambda entries: entries[name].update(fields))


def info(name="b.weight", **fields):
    """A GGUF file with other fields in one tensor's description."""
    return gguf_bytes(TWO, info=lambda field: field["name"] == name and field.update(fields))


def key(name, kind, payload):
    return gguf_string(name) + struct.pack("<I", kind) + payload


SAFETENSORS = {
    "empty": b"",
    "header-length-2^63": struct.pack("<Q", 2**63) + safetensors()[8:],
    "header-length-2^64": struct.pack("<Q", 2**64 - 1) + safetensors()[8:],
    "header-longer-than-file": struct.pack("<Q", 2**20) + safetensors()[8:],
    "header-length-0": struct.pack("<Q", 0),
    "not-json": struct.pack("<Q", 16) + b"{" * 16,
    "json-array": struct.pack("<Q", 2) + b"[]",
    "not-utf8": struct.pack("<Q", 8) + b'{"\xff": 1}',
    "deep-json": struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995,
    "overlap": entry(data_offsets=[512, 1536]),
    "gap": entry(data_offsets=[1028, 2052]),
    "reversed-range": entry(data_offsets=[2048, 1024]),
    "range-past-end": entry(data_offsets=[1024, 2**40]),
    "negative-range": entry(data_offsets=[-1024, 0]),
    "shape-overflow": entry(shape=[2**62, 2**62]),
    "shape-and-range-disagree": entry(shape=[4, 63]),
    "negative-shape": entry(shape=[-4, -64]),
    "fractional-shape": entry(shape=[4.5, 64]),
    "unknown-dtype": entry(dtype="F33"),
    "dtype-is-number": entry(dtype=3),
    "no-offsets": safetensors(lambda entries: entries["b.weight"].pop("data_offsets")),
    "trailing-bytes": safetensors() + b"\0" * 8,
}

GGUF = {
    "empty": b"",
    "magic": b"GGUX" + gguf_bytes(TWO)[4:],
    "version-0": gguf_bytes(TWO, version=0),
    "version-99": gguf_bytes(TWO, version=99),
    "big-endian": b"GGUF" + struct.pack(">IQQ", 3, 0, 0),
    "tensor-count-2^63": gguf_bytes(TWO, tensor_count=2**63),
    "tensor-count-2^40": gguf_bytes(TWO, tensor_count=2**40),
    "unknown-type": info(type=200),
    "dimension-overflow": info(dims=[2**62, 2**62]),
    "negative-dimension": info(dims=[2**64 - 64, 4]),
    "five-dimensions": info(dims=[64, 4, 1, 1, 1]),
    "overlap": info(offset=512),
    "gap": info(offset=2048),
    "misaligned-offset": info(offset=1025),
    "offset-2^63": info(offset=2**63),
    "rows-inside-a-block": info(dims=[4, 64], type=2),
    "duplicate-tensor": gguf_bytes(TWO).replace(b"b.weight", b"a.weight"),
    "empty-key": gguf_bytes(TWO, keys=[key("", 4, struct.pack("<I", 1))]),
    "duplicate-key": gguf_bytes(TWO, keys=[key("k", 4, struct.pack("<I", 1))] * 2),
    "unknown-value-type": gguf_bytes(TWO, keys=[key("k", 77, b"")]),
    "string-length-2^63": gguf_bytes(TWO, keys=[key("k", 8, struct.pack("<Q", 2**63))]),
    "array-length-2^63": gguf_bytes(TWO, keys=[key("k", 9, struct.pack("<IQ", 4, 2**63))]),
    "alignment-48": gguf_bytes(
        TWO, alignment=48, keys=[key("general.alignment", 4, struct.pack("<I", 48))]),
    "alignment-0": gguf_bytes(TWO, keys=[key("general.alignment", 4, struct.pack("<I", 0))]),
    "alignment-is-string": gguf_bytes(TWO, keys=[key("general.alignment", 8, gguf_string("32"))]),
    "one-byte-short": gguf_bytes(TWO)[:-1],
}

FILES = [("safetensors", name, data) for name, data in SAFETENSORS.items()]
FILES += [("gguf", name, data) for name, data in GGUF.items()]
for ending, whole in [("safetensors", safetensors()), ("gguf", gguf_bytes(TWO))]:
    for part in range(1, 11):
        cut = len(whole) * part // 11
        FILES.append((ending, f"cut-at-{cut}", whole[:cut]))


@pytest.mark.parametrize(
    "ending, name, data", FILES, ids=[f"{ending}-{name}" for ending, name, _ in FILES])
def test_refused(ending, name, data, kerf, outputs, tmp_path):
    path = tmp_path / f"broken-{name}.{ending}"
    path.write_bytes(data)
    for target in ["x.gguf", "x.safetensors"]:
        to = "q4_0" if target == "x.gguf" else "f16"
        assert_refused(kerf("convert", path, outputs / target, "--to", to, status=None), path)
        assert list(outputs.iterdir()) == []
    assert path.read_bytes() == data


def test_the_files_they_are_made_of_are_fine(kerf, outputs, tmp_path):
    for ending, data in [("safetensors", safetensors()), ("gguf", gguf_bytes(TWO))]:
        path = tmp_path / f"fine.{ending}"
        path.write_bytes(data)
        kerf("convert", path, outputs / f"{ending}.gguf", "--to", "q4_0")


@pytest.mark.parametrize("data", [b"PK\3\4" + bytes(100), b"\x89PNG" + bytes(100), b"x"])
def test_no_checkpoint_at_all(data, kerf, outputs, tmp_path):
    path = tmp_path / "picture.bin"
    path.write_bytes(data)
    assert_refused(kerf("convert", path, outputs / "x.gguf", "--to", "q4_0", status=None), path)
    assert list(outputs.iterdir()) == []
