"""MLX on its CPU: `mx.quantize`, what `mlx_lm.convert -q` calls."""

from importlib.metadata import version

import mlx.core as mx
import numpy as np

from quantizer import Way, group

MODES = {"e2m1_g32": ("mxfp4", 4), "e2m1_g16_e4m3": ("nvfp4", 4), "e4m3_g32_e8m0": ("mxfp8", 8)}


class Peer:
    version = f"mlx {version('mlx')}"

    def __init__(self, bits, _):
        mx.set_default_device(mx.cpu)
        self.weights = mx.array(bits).view(mx.bfloat16)
        mx.eval(self.weights)

    def ways(self, format):
        codes, length, offset = group(format)
        if offset == "bias" and codes.startswith("int"):
            mode, bits = "affine", int(codes[3:])
        elif format in MODES:
            mode, bits = MODES[format]
        else:
            return {}
        settings = {"group_size": length, "bits": bits, "mode": mode}

        def quantize():
            result = mx.quantize(self.weights, **settings)
            mx.eval(result)
            return result

        def dequantize(result):
            if mode == "affine":
                # In f32, lest the error is that of bf16.
                result = result[0], *(each.astype(mx.float32) for each in result[1:])
            return np.array(mx.dequantize(*result, **settings).astype(mx.float32))

        return {"mlx": Way(f"mx.quantize, {mode}", "bf16", quantize, dequantize)}
