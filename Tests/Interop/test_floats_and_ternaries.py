"""Formats of four-bit floats, of three values, and those that look elements up."""

import gguf
import numpy as np
import pytest
from safetensors import safe_open

from containers import safetensors_bytes
from conftest import raw, read_gguf, values

WRITTEN = ["mxfp4", "nvfp4", "tq2_0", "tq1_0"]
READ = ["iq3_s", "iq3_xxs", "iq2_s", "iq2_xs", "iq2_xxs", "iq1_m", "iq1_s"]
TYPES = {name: gguf.GGMLQuantizationType[name.upper()] for name in WRITTEN + READ}
RANDOM = np.random.default_rng(7)


def inputs():
    """Rows of 256: weights, ties, zeros, every exponent, and bits of any finite float."""
    normal = RANDOM.standard_normal((48, 256)).astype(np.float32)
    ties = (RANDOM.integers(-24, 25, (48, 256)) * 0.125).astype(np.float32)
    exponents = np.exp2(RANDOM.integers(-149, 127, (48, 8, 1)).astype(np.float64))
    limit = np.finfo(np.float32).max
    scaled = (ties.reshape(48, 8, 32) * exponents).clip(-limit, limit).reshape(48, 256)
    bits = RANDOM.integers(0, 1 << 32, (48, 256)).astype(np.uint32)
    bits = np.where(bits >> 23 & 255 == 255, bits & ~np.uint32(1 << 23), bits).astype(np.uint32)
    # Just below a power of two, where a logarithm in single precision may round up.
    powers = np.arange(-126, 128).astype(np.int64)[:, None]
    below = (((powers + 127) << 23) + (1 << 23) - 1 - np.arange(100)).astype(np.uint32)
    edges = np.zeros((254 * 100, 32), np.float32)
    edges[:, 5] = below.view(np.float32).reshape(-1)
    return np.concatenate([
        normal, normal * np.float32(0.02), ties, scaled.astype(np.float32),
        bits.view(np.float32), np.zeros((1, 256), np.float32),
        np.full((1, 256), np.finfo(np.float32).smallest_subnormal), edges.reshape(-1, 256)])


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("inputs") / "inputs.safetensors"
    path.write_bytes(safetensors_bytes({"a.weight": ("F32", inputs())}))
    return path


@pytest.mark.parametrize("format", ["mxfp4", "tq2_0", "tq1_0"])
def test_reference_bytes(format, kerf, file, outputs):
    kerf(
        "convert", file, outputs / "x.gguf", "--to", format, "--rounding", "reference",
        "--no-measure")
    tensor = read_gguf(outputs / "x.gguf")["a.weight"]
    assert tensor.tensor_type == TYPES[format]
    with safe_open(file, framework="numpy") as source:
        array = source.get_tensor("a.weight")
    with np.errstate(all="ignore"):
        expected = gguf.quants.quantize(array, TYPES[format]).reshape(-1)
    assert np.array_equal(raw(tensor), expected)


# Squared error of optimal rounding on normal weights, as a share of the reference code's.
LIMITS = {"mxfp4": 0.96, "nvfp4": 0.76, "tq2_0": 0.22, "tq1_0": 0.30}


@pytest.mark.parametrize("format", LIMITS)
def test_error(format, kerf, outputs):
    array = RANDOM.standard_normal((64, 1024)).astype(np.float32)
    path = outputs / "normal.safetensors"
    path.write_bytes(safetensors_bytes({"a.weight": ("F32", array)}))
    errors = []
    for rounding in ["optimal", "reference"]:
        kerf(
            "convert", path, outputs / "x.gguf", "--to", format, "--rounding", rounding, "--force")
        restored = values(read_gguf(outputs / "x.gguf")["a.weight"])
        errors.append(np.sum(np.square(restored.astype(np.float64) - array)))
    assert errors[0] <= LIMITS[format] * errors[1]


@pytest.mark.parametrize("format", READ)
def test_what_can_only_be_read_is_not_written(format, kerf, file, outputs):
    for options in [["--to", format], ["--to", "q8_0", "--tensor", f"a.weight={format}"]]:
        result = kerf("convert", file, outputs / "x.gguf", *options, status=1)
        assert len(result.err.splitlines()) == 1, result
        assert format in result.err and "not possible yet" in result.err, result
        assert list(outputs.iterdir()) == []
