"""`--rounding reference` writes the bytes of the public reference code."""

import gguf
import numpy as np
import pytest

from conftest import BLOCK_FORMATS, TYPES, is_quantized, raw, read_gguf


@pytest.mark.parametrize("format", BLOCK_FORMATS)
def test_bytes(format, converted, weights):
    tensors = read_gguf(converted(format, "reference"))
    assert set(tensors) == set(weights)
    for name, array in weights.items():
        if not is_quantized(name, array):
            continue
        assert tensors[name].tensor_type == TYPES[format], name
        expected = gguf.quants.quantize(array, TYPES[format]).reshape(-1)
        assert np.array_equal(raw(tensors[name]), expected), name
