"""What the searches of scales of scales, and of codebooks, leave of weights."""

import gguf
import numpy as np
import pytest

from containers import safetensors_bytes
from conftest import read_gguf, values

# Squared error of optimal rounding, as a share of the reference code's; and the relative squared
# error of reference rounding on normal weights, as llama-quantize leaves it.
LIMITS = {
    "q6_K": (0.87, 3.146e-4), "q5_K": (0.91, 1.3023e-3), "q4_K": (0.955, 5.0877e-3),
    "q3_K": (0.92, 2.273e-2), "q2_K": (0.78, 8.760e-2), "iq4_nl": (0.935, 5.788e-3),
    "iq4_xs": (0.935, 5.880e-3)}


@pytest.fixture(scope="module")
def samples(weights):
    """Rows of 256: generated weights, and real ones."""
    random = np.random.default_rng(13)
    wide = [a for a in weights.values() if a.ndim == 2 and a.shape[1] == 1536][0]
    embedding = max(weights.values(), key=lambda array: array.size)
    arrays = {
        "normal": random.standard_normal((1024, 256)) * 0.02,
        "tails": random.standard_t(5, (1024, 256)),
        "wide": wide.reshape(-1, 256)[:1024],
        "embedding": embedding.reshape(-1, 256)[::40]}
    return {name + ".weight": array.astype(np.float32) for name, array in arrays.items()}


@pytest.mark.parametrize("format", LIMITS)
def test_error(format, kerf, samples, outputs):
    path = outputs / "samples.safetensors"
    path.write_bytes(safetensors_bytes({name: ("F32", a) for name, a in samples.items()}))
    errors = {}
    for rounding in ["optimal", "reference"]:
        target = outputs / f"{rounding}.gguf"
        kerf("convert", path, target, "--to", format, "--rounding", rounding, "--no-measure")
        restored = read_gguf(target)
        for name, array in samples.items():
            assert restored[name].tensor_type == gguf.GGMLQuantizationType[format.upper()]
            left = values(restored[name]).astype(np.float64) - array
            errors[rounding, name] = np.sum(np.square(left))
    share, reference = LIMITS[format]
    for name in samples:
        assert errors["optimal", name] <= share * errors["reference", name], name
    size = np.sum(np.square(samples["normal.weight"].astype(np.float64)))
    assert errors["reference", "normal.weight"] / size == pytest.approx(reference, rel=0.02)
