"""Groups with a bias, rounded by reference, are what `mx.quantize` makes.

`Tests/Goldens/mlx_affine.txt` has a hash of its bytes for every type, number of bits and length, so
that the Swift tests need it not. Where it is installed:
KERF_UPDATE_GOLDENS=1 pytest Tests/Interop/test_mlx.py
"""

import os
import pathlib

import numpy as np
import pytest

GOLDEN = pathlib.Path(__file__).parents[1] / "Goldens" / "mlx_affine.txt"
TYPES = {"f32": "float32", "f16": "float16", "bf16": "bfloat16"}


def elements():
    """24 × 128 numbers that are exact in single precision; a few groups are zeros, constant, of one
    sign or tiny."""
    i = np.arange(24 * 128)
    x = (((i * 7919) % 4093) - 2046) * (1 + i // 128 % 7) * 2.0**-14
    for group, change in [
        (3, lambda x: 0 * x), (5, lambda x: 0 * x + 0.375), (6, abs), (9, lambda x: -abs(x)),
        (11, lambda x: x * 2.0**-30),
    ]:
        x[128 * group : 128 * group + 128] = change(x[128 * group : 128 * group + 128])
    return x.astype(np.float32).reshape(24, 128)


def digest(data):
    """FNV-1a of 64 bits."""
    value = 0xCBF29CE484222325
    for byte in data:
        value = (value ^ byte) * 0x100000001B3 & (1 << 64) - 1
    return f"{value:016x}"


def test_golden():
    mx = pytest.importorskip("mlx.core", reason="there is no mlx")
    mx.set_default_device(mx.cpu)
    lines = []
    for scale, name in TYPES.items():
        w = mx.array(elements()).astype(getattr(mx, name))
        for bits in [2, 3, 4, 5, 6, 8]:
            for length in [32, 64, 128]:
                # Scale, bias and codes of a group, together as Kerf has them.
                fields = [mx.quantize(w, length, bits)[k] for k in (1, 2, 0)]
                blocks = np.concatenate(
                    [np.array(f.view(mx.uint8)).reshape(24 * 128 // length, -1) for f in fields],
                    axis=1)
                lines.append(f"{scale} {bits} {length} {digest(blocks.tobytes())}\n")
    if os.environ.get("KERF_UPDATE_GOLDENS"):
        GOLDEN.write_text("".join(lines))
    assert GOLDEN.read_text() == "".join(lines)
