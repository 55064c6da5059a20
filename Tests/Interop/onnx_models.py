"""ONNX models for the tests, and what MatMulNBits multiplies with, by its description."""

import numpy as np
import onnx
from onnx import helper, numpy_helper


def dequantized(model, base=""):
    """{output of a node: its weights [N, K]} of all MatMulNBits, in graphs within graphs, too.

    `base` is the folder of a model that was loaded without its data.
    """
    if base:
        onnx.load_external_data_for_model(model, base)
    tensors = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    result = {}
    for node in nodes(model.graph):
        if node.op_type == "MatMulNBits":
            assert node.domain == "com.microsoft"
            result[node.output[0]] = weights(node, tensors)
    return result


def nodes(graph):
    for node in graph.node:
        yield node
        for attribute in node.attribute:
            for inner in [attribute.g, *attribute.graphs]:
                yield from nodes(inner)


def weights(node, tensors):
    said = {attribute.name: attribute.i for attribute in node.attribute}
    rows, columns, bits, length = (said[key] for key in ("N", "K", "bits", "block_size"))
    groups = columns // length
    powers = 1 << np.arange(bits)
    stream = np.unpackbits(tensors[node.input[1]].reshape(rows, -1), axis=1, bitorder="little")
    codes = (stream.reshape(rows, groups, length, bits) * powers).sum(-1)
    zeros = 1 << (bits - 1)
    if len(node.input) > 3 and node.input[3]:
        stream = np.unpackbits(tensors[node.input[3]].reshape(rows, -1), axis=1, bitorder="little")
        stream = stream[:, : groups * bits].reshape(rows, groups, bits)
        zeros = (stream * powers).sum(-1)[..., None]
    scales = tensors[node.input[2]].reshape(rows, groups, 1).astype(np.float32)
    return ((codes - zeros).astype(np.float32) * scales).reshape(rows, columns)


def with_weights(model, quantized):
    """A copy of the plain model, whose products have the weights that those of another have."""
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    tensors = {t.name: t for t in copy.graph.initializer}
    for node in nodes(copy.graph):
        values = quantized.get(node.output[0])
        if values is None:
            # A Gemm's sum is a node of its own.
            values = quantized.get(node.output[0] + "_product")
        if values is None:
            continue
        tensor = tensors[node.input[1]]
        is_rows = any(a.name == "transB" and a.i for a in node.attribute)
        values = values if is_rows else values.T
        old = numpy_helper.to_array(tensor)
        tensor.CopyFrom(numpy_helper.from_array(values.astype(old.dtype).copy(), tensor.name))
    return copy


def sample(dtype=np.float32, ir_version=8):
    """A graph with matrices in every place that Kerf knows, and in some where it has to let them be."""
    random = np.random.default_rng(1)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    tensors = {
        "onnx::MatMul_10": (64, 96), "encoder.layer.0.attention.self.query.bias": (96,),
        "fc.weight": (128, 96), "fc.bias": (128,), "plain": (128, 64), "twice": (64, 64),
        "onnx::MatMul_20": (64, 64), "uneven": (64, 50), "50": (50, 64), "inner": (64, 32),
        "onnx::MatMul_30": (64, 32),
    }
    arrays = {n: (random.normal(size=s) / 8).astype(dtype) for n, s in tensors.items()}
    initializers = [numpy_helper.from_array(a, n) for n, a in arrays.items()]
    if dtype == np.float32:
        # As numbers instead of bytes.
        initializers[1] = helper.make_tensor(
            initializers[1].name, kind, (96,), arrays[initializers[1].name].tolist())
    initializers.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "axes"))
    initializers.append(numpy_helper.from_array(np.array(0.5, dtype), "val_7"))

    def node(operator, inputs, output, name="", **attributes):
        return helper.make_node(operator, inputs.split(), [output], name=name, **attributes)

    def branch(name):
        return helper.make_graph(
            [node("MatMul", "g inner", name + "_out", name=f"/head/{name}/MatMul")], name, [],
            [helper.make_tensor_value_info(name + "_out", kind, (64, 32))])

    graph = helper.make_graph(
        [
            node("MatMul", "x onnx::MatMul_10", "a",
                 "/encoder/layer.0/attention/self/query/MatMul", doc_string="query"),
            node("Add", "a encoder.layer.0.attention.self.query.bias", "b"),
            node("Gemm", "b fc.weight fc.bias", "c", "/fc/Gemm", transB=1),
            node("Gemm", "c plain", "d", "/plain/Gemm"),
            # Used by more than products.
            node("MatMul", "d twice", "e", "/twice/MatMul"),
            node("Add", "e twice", "f"),
            # Two nodes, one matrix.
            node("MatMul", "f onnx::MatMul_20", "f2", "/tied/MatMul"),
            node("MatMul", "f2 onnx::MatMul_20", "f3", "/again/MatMul"),
            node("MatMul", "f3 uneven", "u", "/uneven/MatMul"),
            node("MatMul", "u 50", "g", "/short/MatMul"),
            helper.make_node("Constant", [], ["yes"], value=numpy_helper.from_array(
                np.array(True), "yes")),
            helper.make_node("If", ["yes"], ["h"], then_branch=branch("then"),
                             else_branch=branch("else")),
            node("MatMul", "g onnx::MatMul_30", "logits", "/lm_head/MatMul"),
            node("Mul", "h val_7", "j"),
            node("Unsqueeze", "j axes", "i"),
        ], "sample",
        [helper.make_tensor_value_info("x", kind, (64, 64))],
        [helper.make_tensor_value_info("i", kind, (64, 1, 32)),
         helper.make_tensor_value_info("logits", kind, (64, 32))],
        initializers)
    if ir_version < 4:
        graph.input.extend(
            helper.make_tensor_value_info(t.name, t.data_type, t.dims) for t in initializers)
    graph.value_info.append(helper.make_tensor_value_info("onnx::MatMul_10", kind, (64, 96)))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)],
                              ir_version=ir_version, producer_name="tests")
    helper.set_model_props(model, {"key": "value"})
    onnx.checker.check_model(model)
    return model
