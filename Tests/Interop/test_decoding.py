"""Every block format is read as the public package reads it, whatever the bytes."""

import gguf
import numpy as np
import pytest
from safetensors import safe_open

# Where a block has its scales in half precision, and how many; none where scales are bytes, or lie
# among other bits.
SCALES = {
    "q6_K": (208, 1), "q5_K": (0, 2), "q4_K": (0, 2), "q3_K": (108, 1), "q2_K": (80, 2),
    "iq4_nl": (0, 1), "iq4_xs": (0, 1), "mxfp4": None, "nvfp4": None, "tq2_0": (64, 1),
    "tq1_0": (52, 1), "iq3_s": (0, 1), "iq3_xxs": (0, 1), "iq2_s": (0, 1), "iq2_xs": (0, 1),
    "iq2_xxs": (0, 1), "iq1_m": None, "iq1_s": (0, 1), "q8_0": (0, 1), "q5_1": (0, 2),
    "q5_0": (0, 1), "q4_1": (0, 2), "q4_0": (0, 1)}
RANDOM = np.random.default_rng(13)


def blocks(format, type):
    """Rows of eight blocks: zeros, ones, sign bits alone, scales that are denormal, negative or as
    large as can be, and any bytes."""
    size = gguf.GGML_QUANT_SIZES[type][1]
    data = RANDOM.integers(0, 256, (64, 8, size), dtype=np.uint8)
    data[:3] = np.array([0x00, 0xFF, 0x80], np.uint8)[:, None, None]
    if SCALES[format]:
        start, count = SCALES[format]
        edges = np.array([1, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x8000], np.uint16)
        scales = np.stack([np.roll(edges, 3 * i) for i in range(count)], 1)
        data[3:19, :, start : start + 2 * count] = scales.view(np.uint8).reshape(8, 2 * count)
    return data.reshape(64, 8 * size)


@pytest.mark.parametrize("format", SCALES)
def test_decoding(format, kerf, outputs):
    source, target = outputs / "blocks.gguf", outputs / "decoded.safetensors"
    type = gguf.GGMLQuantizationType[format.upper()]
    data = blocks(format, type)
    writer = gguf.GGUFWriter(source, "llama")
    writer.add_tensor("blk.0.weight", data, raw_dtype=type)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    kerf("convert", source, target, "--to", "f32", "--no-measure")
    with np.errstate(all="ignore"):
        expected = gguf.quants.dequantize(data, type)
    with safe_open(target, framework="numpy") as decoded:
        found = decoded.get_tensor("blk.0.weight")
    # Which NaN a product yields is the CPU's affair.
    same = (found.view(np.uint32) == expected.view(np.uint32)) | (
        np.isnan(found) & np.isnan(expected))
    assert same.all()
