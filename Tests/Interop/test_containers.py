"""Every way between the containers and the scalar types."""

import gguf
import numpy as np
import pytest
from safetensors import safe_open

from conftest import TYPES, is_quantized, raw, read_gguf
from containers import bf16_bits, bf16_values, read_safetensors, safetensors_bytes


def in_half(array):
    return "F16", array.astype(np.float16)


def in_bfloat(array):
    return "BF16", bf16_bits(array)


@pytest.fixture(scope="module")
def part(weights):
    """A few tensors of every kind that the model has."""
    names = [
        "embeddings.position_ids", "embeddings.LayerNorm.weight",
        "embeddings.token_type_embeddings.weight",
        "encoder.layer.0.attention.self.key.weight", "encoder.layer.0.attention.self.key.bias",
        "encoder.layer.1.output.dense.weight"]
    return {name: weights[name] for name in names}


def write(path, part, narrow=lambda array: ("F32", array), metadata=None):
    path.write_bytes(safetensors_bytes({
        name: narrow(array) if array.dtype == np.float32 else ("I64", array)
        for name, array in part.items()}, metadata))
    return path


@pytest.mark.parametrize("format, narrow", [("f16", in_half), ("bf16", in_bfloat)])
def test_safetensors_to_safetensors(format, narrow, part, kerf, outputs, tmp_path):
    source = write(tmp_path / "a.safetensors", part, metadata={"format": "pt", "note": "ä\n"})
    target = outputs / "b.safetensors"
    kerf("convert", source, target, "--to", format)
    tensors, metadata = read_safetensors(target)
    assert metadata["format"] == "pt" and metadata["note"] == "ä\n"
    for name, array in part.items():
        dtype, expected = narrow(array) if array.dtype == np.float32 else ("I64", array)
        assert tensors[name][0] == dtype, name
        assert np.array_equal(tensors[name][1], expected), name
    with safe_open(target, framework="numpy") as opened:
        assert set(opened.keys()) == set(part)


@pytest.mark.parametrize("format", ["q8_0", "q4_1"])
@pytest.mark.parametrize("narrow", [in_half, in_bfloat])
def test_narrow_sources(format, narrow, part, kerf, outputs, tmp_path):
    source = write(tmp_path / "a.safetensors", part, narrow)
    target = outputs / "b.gguf"
    kerf("convert", source, target, "--to", format, "--rounding", "reference")
    tensors = read_gguf(target)
    for name, array in part.items():
        if array.dtype != np.float32:
            continue
        dtype, narrowed = narrow(array)
        wide = bf16_values(narrowed) if dtype == "BF16" else narrowed.astype(np.float32)
        if is_quantized(name, array):
            expected = gguf.quants.quantize(wide, TYPES[format]).reshape(-1)
            assert np.array_equal(raw(tensors[name]), expected), name
        else:
            # Runtimes expect norms and biases of a GGUF file in single precision.
            assert tensors[name].tensor_type == gguf.GGMLQuantizationType.F32, name
            assert np.array_equal(tensors[name].data.reshape(array.shape), wide), name


@pytest.mark.parametrize("format, narrow", [("f16", in_half), ("bf16", in_bfloat)])
def test_safetensors_to_gguf_scalars(format, narrow, part, kerf, outputs, tmp_path):
    target = outputs / "b.gguf"
    kerf("convert", write(tmp_path / "a.safetensors", part), target, "--to", format)
    tensors = read_gguf(target)
    for name, array in part.items():
        if is_quantized(name, array):
            assert tensors[name].tensor_type.name.lower() == format, name
            assert np.array_equal(raw(tensors[name]), narrow(array)[1].view(np.uint8).reshape(-1))


def test_gguf_to_gguf(converted, weights, kerf, outputs):
    """A quantized source is decoded and encoded again, and kept tensors stay as they are."""
    target = outputs / "b.gguf"
    path = converted("q8_0", "reference")
    kerf("convert", path, target, "--to", "q4_0", "--rounding", "reference")
    source, found = read_gguf(path), read_gguf(target)
    for name, array in weights.items():
        if is_quantized(name, array):
            wide = gguf.quants.dequantize(source[name].data, source[name].tensor_type)
            expected = gguf.quants.quantize(wide, TYPES["q4_0"]).reshape(-1)
            assert np.array_equal(raw(found[name]), expected), name
        else:
            assert np.array_equal(raw(found[name]), raw(source[name])), name


def test_rules(part, kerf, outputs, tmp_path):
    source = write(tmp_path / "a.safetensors", part)
    target = outputs / "b.gguf"
    kerf(
        "convert", source, target, "--to", "q4_0", "--tensor", r"layer\.0\..*weight=q8_0",
        "--tensor", r"weight$=Q5_1")
    types = {name: tensor.tensor_type.name for name, tensor in read_gguf(target).items()}
    assert types["encoder.layer.0.attention.self.key.weight"] == "Q8_0"
    assert types["encoder.layer.1.output.dense.weight"] == "Q5_1"
    assert types["encoder.layer.0.attention.self.key.bias"] == "F32"


def test_empty_shapes(kerf, outputs, tmp_path):
    """No tensors at all, a tensor without elements, a scalar."""
    for number, tensors in enumerate([
        {},
        {"a.weight": ("F32", np.zeros((0, 32), np.float32))},
        {"a": ("F32", np.float32(3).reshape(()))},
    ]):
        source = tmp_path / f"{number}.safetensors"
        source.write_bytes(safetensors_bytes(tensors))
        for ending in ["gguf", "safetensors"]:
            target = outputs / f"{number}.{ending}"
            kerf("convert", source, target, "--to", "q8_0" if ending == "gguf" else "f16")
            names = read_gguf(target) if ending == "gguf" else read_safetensors(target)[0]
            assert set(names) == set(tensors)
