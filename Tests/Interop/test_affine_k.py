"""Runs of elements with a scale and a minimum each, which share two scales of theirs."""

import gguf
import numpy as np
import pytest
from safetensors import safe_open

from containers import safetensors_bytes
from conftest import read_gguf, values

FORMATS = ["q5_K", "q4_K", "q2_K"]
TYPES = {name: gguf.GGMLQuantizationType[name.upper()] for name in FORMATS}
RANDOM = np.random.default_rng(13)

# Where d and dmin lie in a block.
SCALES = {"q5_K": 0, "q4_K": 0, "q2_K": 80}


def blocks(format):
    """Rows of eight blocks: any bytes, zeros, ones, and scales that are denormal, negative or not
    finite."""
    size = gguf.GGML_QUANT_SIZES[TYPES[format]][1]
    data = RANDOM.integers(0, 256, (64, 8, size), dtype=np.uint8)
    data[:3] = np.array([0x00, 0xFF, 0x80], np.uint8)[:, None, None]
    scales = np.array([1, 0x8001, 0x03FF, 0x83FF, 0x0400, 0x7BFF, 0xFBFF, 0x8000], np.uint16)
    scales = np.stack([scales, np.roll(scales, 3)], 1)
    data[3:19, :, SCALES[format] : SCALES[format] + 4] = scales.view(np.uint8).reshape(8, 4)
    return data.reshape(64, 8 * size)


@pytest.mark.parametrize("format", FORMATS)
def test_decoding(format, kerf, outputs):
    source, target = outputs / "blocks.gguf", outputs / "decoded.safetensors"
    data = blocks(format)
    writer = gguf.GGUFWriter(source, "llama")
    writer.add_tensor("blk.0.weight", data, raw_dtype=TYPES[format])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    kerf("convert", source, target, "--to", "f32", "--no-measure")
    with np.errstate(all="ignore"):
        expected = gguf.quants.dequantize(data, TYPES[format])
    with safe_open(target, framework="numpy") as decoded:
        found = decoded.get_tensor("blk.0.weight")
    # Which NaN a product yields is the CPU's affair.
    same = (found.view(np.uint32) == expected.view(np.uint32)) | (
        np.isnan(found) & np.isnan(expected))
    assert same.all()


def samples(weights):
    """Rows of 256: generated weights, and real ones."""
    wide = [a for a in weights.values() if a.ndim == 2 and a.shape[1] == 1536][0]
    embedding = max(weights.values(), key=lambda array: array.size)
    return {
        "normal": RANDOM.standard_normal((1024, 256)) * 0.02,
        "tails": RANDOM.standard_t(5, (1024, 256)),
        "wide": wide.reshape(-1, 256)[:1024],
        "embedding": embedding.reshape(-1, 256)[::40],
    }


# Squared error of optimal rounding, as a share of the reference code's.
LIMITS = {"q5_K": 0.91, "q4_K": 0.955, "q2_K": 0.78}
# Relative squared error of reference rounding on normal weights, as llama-quantize leaves it.
REFERENCE = {"q5_K": 1.3023e-3, "q4_K": 5.0877e-3, "q2_K": 8.760e-2}


@pytest.mark.parametrize("format", FORMATS)
def test_error(format, kerf, weights, outputs):
    tensors = {name: array.astype(np.float32) for name, array in samples(weights).items()}
    path = outputs / "samples.safetensors"
    path.write_bytes(safetensors_bytes(
        {name + ".weight": ("F32", array) for name, array in tensors.items()}))
    errors = {}
    for rounding in ["optimal", "reference"]:
        target = outputs / f"{rounding}.gguf"
        kerf("convert", path, target, "--to", format, "--rounding", rounding, "--no-measure")
        restored = read_gguf(target)
        for name, array in tensors.items():
            tensor = restored[name + ".weight"]
            assert tensor.tensor_type == TYPES[format]
            errors[rounding, name] = np.sum(np.square(values(tensor).astype(np.float64) - array))
    for name in tensors:
        assert errors["optimal", name] <= LIMITS[format] * errors["reference", name], name
    size = np.sum(np.square(tensors["normal"].astype(np.float64)))
    assert errors["reference", "normal"] / size == pytest.approx(REFERENCE[format], rel=0.01)
