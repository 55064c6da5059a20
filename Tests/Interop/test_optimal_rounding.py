"""Optimal rounding loses less than reference rounding, in the same bytes."""

import numpy as np
import pytest

from conftest import TYPES, is_quantized, read_gguf, values

# Squared error over all quantized tensors, as a share of the reference code's.
LIMITS = {"q8_0": 0.80, "q4_0": 0.893, "q4_1": 0.79, "q5_0": 0.893, "q5_1": 0.79}


def squared_error(tensors, weights):
    total = 0.0
    for name, array in weights.items():
        if is_quantized(name, array):
            total += np.sum(np.square(values(tensors[name]).astype(np.float64) - array))
    return total


@pytest.mark.parametrize("format", LIMITS)
def test_error(format, converted, weights, capsys):
    optimal = read_gguf(converted(format, "optimal"))
    reference = read_gguf(converted(format, "reference"))
    quantized = [name for name, array in weights.items() if is_quantized(name, array)]
    for name in quantized:
        assert optimal[name].tensor_type == TYPES[format], name
        assert optimal[name].n_bytes == reference[name].n_bytes, name
    ratio = squared_error(optimal, weights) / squared_error(reference, weights)
    with capsys.disabled():
        print(f" {ratio:.4f} of {LIMITS[format]} ", end="")
    assert ratio <= LIMITS[format]
