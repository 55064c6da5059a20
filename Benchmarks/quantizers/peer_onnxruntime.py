"""ONNX Runtime: the functions in C++ that its quantizers of MatMulNBits and MatMulBnb4 call.

They take f32 as matrices of K × N, but bnb4, and write into memory that is there.
"""

import numpy as np
import onnxruntime
from onnxruntime.capi import _pybind_state as functions

from quantizer import Way, group

NF4 = [
    -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0, 0.0795803,
    0.1609302, 0.2461123, 0.33791524, 0.44070983, 0.562617, 0.72295684, 1]
FP4 = [0, 1 / 192, 2 / 3, 1, 1 / 3, 1 / 2, 1 / 6, 1 / 4]


class Peer:
    version = f"onnxruntime {onnxruntime.__version__}"

    def __init__(self, _, weights):
        self.weights = weights
        self.turned = np.ascontiguousarray(weights.T)

    def ways(self, format):
        codes, length, offset = group(format)
        n, k = self.weights.shape
        if codes in ["nf4", "fp4"]:
            packed = np.zeros(n * k // 2, np.uint8)
            largest = np.zeros(n * k // length, np.float32)
            kind = ["fp4", "nf4"].index(codes)

            def quantize():
                functions.quantize_matmul_bnb4(packed, self.weights, largest, length, kind, n, k)

            def dequantize(_):
                table = np.array(NF4 if codes == "nf4" else FP4 + [-x for x in FP4], np.float32)
                numbers = table[np.stack([packed >> 4, packed & 15], -1)].reshape(-1, length)
                return numbers * largest[:, None]

            return {"onnxruntime": Way("quantize_matmul_bnb4", "f32", quantize, dequantize)}
        if codes not in ["int4", "int8"] or offset == "bias" or not 16 <= length <= 256:
            return {}
        bits = int(codes[3:])
        groups = k // length
        packed = np.zeros((n, groups, length * bits // 8), np.uint8)
        scales = np.zeros((n, groups), np.float32)
        zeros = np.zeros((n, (groups * bits + 7) // 8), np.uint8)
        function = getattr(functions, f"quantize_matmul_{bits}bits")

        def numbers(bytes):
            return bytes if bits == 8 else np.stack([bytes & 15, bytes >> 4], -1)

        def dequantize(_):
            q = numbers(packed).reshape(n, groups, length).astype(np.float32)
            z = numbers(zeros).reshape(n, -1)[:, :groups, None] if offset else 1 << (bits - 1)
            return (q - z) * scales[:, :, None]

        return {"onnxruntime": Way(
            f"quantize_matmul_{bits}bits", "f32",
            lambda: function(packed, self.turned, scales, zeros, length, n, k, offset is None),
            dequantize)}
