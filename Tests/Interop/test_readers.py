"""What Kerf writes, the public readers read, and they decode it to what Kerf decodes it to."""

import gguf
import numpy as np
import pytest
from safetensors import safe_open

from conftest import BLOCK_FORMATS, is_quantized, read_gguf, values


@pytest.mark.parametrize("rounding", ["optimal", "reference"])
@pytest.mark.parametrize("format", BLOCK_FORMATS)
def test_decoding_agrees(format, rounding, converted, weights, kerf, outputs):
    source = converted(format, rounding)
    target = outputs / "decoded.safetensors"
    kerf("convert", source, target, "--to", "f32", "--no-measure")
    tensors = read_gguf(source)
    with safe_open(target, framework="numpy") as decoded:
        assert set(decoded.keys()) == set(tensors) == set(weights)
        for name, tensor in tensors.items():
            array = decoded.get_tensor(name)
            if tensor.tensor_type == gguf.GGMLQuantizationType.I64:
                assert np.array_equal(array, weights[name]), name
                continue
            assert array.dtype == np.float32, name
            expected = values(tensor)
            assert array.shape == expected.shape, name
            assert np.array_equal(array.view(np.uint32), expected.view(np.uint32)), name


def test_kept_tensors_are_unchanged(converted, weights):
    tensors = read_gguf(converted("q4_0", "optimal"))
    for name, array in weights.items():
        if not is_quantized(name, array):
            data = np.asarray(tensors[name].data).reshape(array.shape)
            assert data.dtype == array.dtype, name
            assert np.array_equal(data, array), name


def test_dimensions_are_reversed(converted, weights):
    for name, tensor in read_gguf(converted("q8_0", "optimal")).items():
        assert [int(n) for n in tensor.shape] == list(reversed(weights[name].shape)), name


def test_architecture_comes_from_the_configuration(converted):
    reader = gguf.GGUFReader(converted("q8_0", "optimal"))
    assert reader.get_field("general.architecture").contents() == "bert"
    assert reader.get_field("general.file_type").contents() == 7
    assert reader.get_field("general.quantization_version").contents() == 2
