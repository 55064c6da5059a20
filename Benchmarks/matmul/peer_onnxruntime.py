"""ONNX Runtime: its operator MatMulNBits, which computes in int8 where accuracy_level is 4, and
DynamicQuantizeMatMul of weights with a scale for each column."""

import functools

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

# Bits and elements of a block.
FORMATS = {
    "q4_0": (4, 32), "q4_1": (4, 32), "q8_0": (8, 32), "int4_g64": (4, 64), "int4_g128": (4, 128)}


class Peer:
    def __init__(self, threads):
        self.threads = threads

    def open(self, format, n, k, copies):
        if format == "int8_channel":
            count, grain = copies(n * k), "a scale a row, activations int8 per matrix"
            what, nodes = "DynamicQuantizeMatMul", functools.partial(self.dynamic, n, k)
        elif format in FORMATS:
            bits, length = FORMATS[format]
            has_zero = format.endswith("_1")
            count, grain = copies(n * k * bits // 8 + n * k // length * 4), f"blocks of {length}"
            what = f"MatMulNBits, {bits} bits, accuracy_level 4" + ", zero points" * has_zero
            nodes = functools.partial(self.blocks, n, k, bits, length, has_zero)
        else:
            return {}
        self.sessions = {}

        def make(m):
            # Products of many rows do not live on the caches: two copies do.
            number = count if m < 32 else min(count, 2)
            if number not in self.sessions:
                self.sessions = {number: self.session(nodes, n, k, number)}
            session = self.sessions[number]
            x = np.random.default_rng(2).standard_normal((m, k), np.float32)
            return lambda: session.run(None, {"x": x}), number

        # Said now rather than in the middle of a contest.
        self.session(nodes, n, k, 1)
        return {"onnxruntime": (what, grain, make)}

    def dynamic(self, n, k, random, constant, i):
        """Weights lie column after column, as the operator wants them."""
        return "DynamicQuantizeMatMul", [
            constant(f"w{i}", random.integers(-127, 128, (k, n), dtype=np.int8)),
            constant(f"s{i}", random.random(n, dtype=np.float32) * 0.01),
            constant(f"z{i}", np.zeros(n, np.int8))], {}

    def blocks(self, n, k, bits, length, has_zero, random, constant, i):
        inputs = [
            constant(f"w{i}", random.integers(
                0, 256, (n, k // length, length * bits // 8), dtype=np.uint8)),
            constant(f"s{i}", random.random(n * k // length, dtype=np.float32) * 0.01)]
        if has_zero:
            inputs.append(constant(f"z{i}", random.integers(
                0, 256, n * ((k // length * bits + 7) // 8), dtype=np.uint8)))
        return "MatMulNBits", inputs, {
            "K": k, "N": n, "bits": bits, "block_size": length, "accuracy_level": 4}

    def session(self, node, n, k, count):
        random = np.random.default_rng(1)
        nodes, weights, outputs = [], [], []

        def constant(name, array):
            weights.append(onnx.numpy_helper.from_array(array, name))
            return name

        for i in range(count):
            operator, inputs, attributes = node(random, constant, i)
            nodes.append(helper.make_node(
                operator, ["x", *inputs], [f"y{i}"], domain="com.microsoft", **attributes))
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
