"""Smallest possible writers and readers of both containers.

They exist to make files that the public writers refuse to make, and to read types that NumPy has
no name for.
"""

import json
import struct

import numpy as np

SAFETENSORS_DTYPES = {
    "F32": np.float32, "F16": np.float16, "BF16": np.uint16, "F64": np.float64,
    "I64": np.int64, "I32": np.int32, "U32": np.uint32, "I8": np.int8, "U8": np.uint8,
    "F8_E4M3": np.uint8, "BOOL": np.bool_,
}


def safetensors_bytes(tensors, metadata=None, header=None):
    """A file of {name: (dtype, array)}; `header` may change the header before it is written."""
    entries, data = {}, bytearray()
    if metadata is not None:
        entries["__metadata__"] = metadata
    for name, (dtype, array) in tensors.items():
        begin = len(data)
        data += array.tobytes()
        entries[name] = {
            "dtype": dtype, "shape": list(array.shape), "data_offsets": [begin, len(data)]}
    if header:
        header(entries)
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data


def read_safetensors(path):
    """{name: (dtype, array)} and the `__metadata__`; BF16 and FP8 as their bit patterns."""
    data = path.read_bytes()
    length = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + length])
    metadata = header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        array = np.frombuffer(data[begin:end], SAFETENSORS_DTYPES[entry["dtype"]])
        tensors[name] = (entry["dtype"], array.reshape(entry["shape"]))
    return tensors, metadata


def gguf_string(text):
    encoded = text.encode()
    return struct.pack("<Q", len(encoded)) + encoded


def gguf_bytes(tensors, *, version=3, tensor_count=None, keys=(), alignment=32, info=None):
    """A file of {name: float32 array}.

    `keys` are ready-made byte strings, and `info` may change a tensor's name, dimensions, type and
    offset before they are written.
    """
    infos, data = b"", b""
    for name, array in tensors.items():
        field = {
            "name": name, "dims": list(reversed(array.shape)), "type": 0, "offset": len(data)}
        if info:
            info(field)
        infos += gguf_string(field["name"])
        infos += struct.pack("<I", len(field["dims"]))
        infos += b"".join(struct.pack("<Q", n) for n in field["dims"])
        infos += struct.pack("<IQ", field["type"], field["offset"])
        data += array.astype(np.float32).tobytes()
        data += bytes(-len(data) % alignment)
    count = len(tensors) if tensor_count is None else tensor_count
    head = b"GGUF" + struct.pack("<IQQ", version, count, len(keys)) + b"".join(keys) + infos
    return head + bytes(-len(head) % alignment) + data


def bf16_bits(array):
    """Bit patterns of float32 values rounded to bfloat16, ties to even."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16).astype(np.uint16)


def bf16_values(bits):
    """Float32 values of bfloat16 bit patterns."""
    return (bits.astype(np.uint32) << 16).view(np.float32)
