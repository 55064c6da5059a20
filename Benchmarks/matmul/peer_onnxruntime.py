"""ONNX Runtime: its operator MatMulNBits, which computes in int8 where accuracy_level is 4."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

BITS = {"q4_0": 4, "q4_1": 4, "q8_0": 8}


class Peer:
    def __init__(self, threads):
        self.threads = threads

    def open(self, format, n, k, copies):
        if format not in BITS:
            return {}
        bits = BITS[format]
        count = copies(n * k * bits // 8 + n * k // 32 * 4)
        has_zero = format.endswith("_1")
        grain = "blocks of 32"
        what = f"MatMulNBits, {bits} bits, accuracy_level 4" + ", zero points" * has_zero
        self.sessions = {}

        def make(m):
            # Products of many rows do not live on the caches: two copies do.
            number = count if m < 32 else min(count, 2)
            if number not in self.sessions:
                self.sessions = {number: self.session(bits, has_zero, n, k, number)}
            session = self.sessions[number]
            x = np.random.default_rng(2).standard_normal((m, k), np.float32)
            return lambda: session.run(None, {"x": x}), number

        # Said now rather than in the middle of a contest.
        self.session(bits, has_zero, 32, k, 1)
        return {"onnxruntime": (what, grain, make)}

    def session(self, bits, has_zero, n, k, count):
        random = np.random.default_rng(1)
        nodes, weights, outputs = [], [], []

        def constant(name, array):
            weights.append(onnx.numpy_helper.from_array(array, name))
            return name

        for i in range(count):
            inputs = [
                "x",
                constant(f"w{i}", random.integers(
                    0, 256, (n, k // 32, 32 * bits // 8), dtype=np.uint8)),
                constant(f"s{i}", random.random(n * k // 32, dtype=np.float32) * 0.01)]
            if has_zero:
                inputs.append(constant(f"z{i}", random.integers(
                    0, 256, n * ((k // 32 * bits + 7) // 8), dtype=np.uint8)))
            nodes.append(helper.make_node(
                "MatMulNBits", inputs, [f"y{i}"], domain="com.microsoft", K=k, N=n, bits=bits,
                block_size=32, accuracy_level=4))
            outputs.append(helper.make_tensor_value_info(f"y{i}", TensorProto.FLOAT, [None, n]))
        graph = helper.make_graph(
            nodes, "products", [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, k])],
            outputs, weights)
        model = helper.make_model(
            graph, opset_imports=[
                helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)])
        model.ir_version = 10
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self.threads
        options.inter_op_num_threads = 1
        return onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
