"""OpenVINO: products with compressed weights, as its own weight compression writes them."""

import numpy as np
import openvino
from openvino import opset13 as ops

# Type, bits, and elements of a group: a row where there are none.
TYPES = {
    "q8_0": (openvino.Type.i8, 8, 32), "q4_0": (openvino.Type.i4, 4, 32),
    "q4_1": (openvino.Type.u4, 4, 32), "int8_channel": (openvino.Type.i8, 8, None),
    "int4_g64": (openvino.Type.i4, 4, 64), "int4_g128": (openvino.Type.i4, 4, 128)}


class Peer:
    def __init__(self, threads):
        self.core = openvino.Core()
        self.settings = {
            "INFERENCE_NUM_THREADS": threads, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32"}

    def open(self, format, n, k, copies):
        if format not in TYPES:
            return {}
        kind, bits, group = TYPES[format]
        length = group or k
        dynamic = min(length, 128)
        settings = {**self.settings, "DYNAMIC_QUANTIZATION_GROUP_SIZE": dynamic}
        count = copies(n * k * bits // 8 + n * k // length * 2)
        self.requests = {}
        # Constants made of tensors lend their memory.
        self.lent = []

        def make(m):
            # Products of many rows do not live on the caches: two copies do.
            number = count if m < 32 else min(count, 2)
            if number not in self.requests:
                model = self.model(kind, bits, length, n, k, number)
                compiled = self.core.compile_model(model, "CPU", settings)
                self.requests = {number: compiled.create_infer_request()}
            request = self.requests[number]
            x = openvino.Tensor(np.random.default_rng(2).standard_normal((m, k), np.float32))
            request.set_input_tensor(x)
            return request.infer, number

        what = f"MatMul, compressed {kind.get_type_name()}, dynamic quantization by {dynamic}"
        grain = f"groups of {length}" if group else "a scale a row"
        return {"openvino": (what, grain, make)}

    def model(self, kind, bits, length, n, k, count):
        random = np.random.default_rng(1)
        x = ops.parameter([-1, k], np.float32)
        results = []
        for _ in range(count):
            codes = random.integers(0, 256, n * k * bits // 8, dtype=np.uint8)
            shape = [n, k // length, length]
            if bits == 8:
                weights = ops.constant(codes.view(np.int8).reshape(shape))
            else:
                self.lent.append(codes)
                weights = ops.constant(openvino.Tensor(codes, openvino.Shape(shape), kind))
            weights = ops.convert(weights, np.float16)
            if kind == openvino.Type.u4:
                zeros = random.integers(0, 256, n * k // length // 2, dtype=np.uint8)
                self.lent.append(zeros)
                zeros = openvino.Tensor(zeros, openvino.Shape([n, k // length, 1]), kind)
                weights = ops.subtract(weights, ops.convert(ops.constant(zeros), np.float16))
            scales = (random.random((n, k // length, 1)) * 0.01).astype(np.float16)
            weights = ops.multiply(weights, ops.constant(scales))
            weights = ops.reshape(weights, np.array([n, k]), False)
            results.append(ops.matmul(x, ops.convert(weights, np.float32), False, True))
        return openvino.Model(results, [x], "products")
