"""Loads every layout with the runtime's own code, on the CPU, and compares what it makes of it.

    loaders.py [--page FILE] KERF MODEL [NAME…]
                          a table of all layouts, or of those whose names begin so

Each layout is made with `kerf convert`. The runtime loads it; what each of its linear layers makes
of unit vectors is that layer's weights, as the runtime sees them, and is compared with what NumPy
reads from the same files by the layout's description. Then the model's output is compared with that
of the plain model which has these weights.
"""

import argparse
import datetime
import importlib.metadata
import json
import multiprocessing
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import traceback

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/Interop"))

# Layout, what to convert to, and which loader. `llama` is a small model made here, where a loader
# knows no other kind.
CT, BNB, MLX, ONNX = "compressed-tensors", "bitsandbytes", "mlx", "onnx"
CASES = [
    (CT, "--to int8", "transformers"),
    (CT, "--to int8 --activations", "transformers"),
    (CT, "--to int8 --activations --asymmetric", "transformers"),
    (CT, "--to int8 --group 32", "transformers"),
    (CT, "--to int4 --group 32", "transformers"),
    (CT, "--to int4 --group 64", "transformers"),
    (CT, "--to int4 --group 128", "transformers"),
    (CT, "--to int4 --group channel", "transformers"),
    (CT, "--to int4 --group 64 --asymmetric", "transformers"),
    (CT, "--to fp8", "transformers"),
    (CT, "--to fp8 --group tensor", "transformers"),
    (CT, "--to fp8 --group 128x128", "transformers"),
    (CT, "--to fp8 --group 128x128 --activations", "transformers"),
    (CT, "--to nvfp4", "transformers"),
    (CT, "--to mxfp4", "transformers"),
    (BNB, "--to nf4", "transformers"),
    (BNB, "--to fp4", "transformers"),
    (BNB, "--to nf4 --group 128", "transformers"),
    (BNB, "--to nf4 --double-quantization", "transformers"),
    (BNB, "--to int8", "transformers"),
    ("awq", "--to int4 --group 64", "gptqmodel"),
    ("awq", "--to int4 --group 128", "gptqmodel"),
    ("gptq", "--to int4 --group 128", "gptqmodel"),
    ("gptq", "--to int4 --group 64 --asymmetric", "gptqmodel"),
    ("gptq", "--to int8 --group 32", "gptqmodel"),
    *((MLX, f"--to int{bits} --group {group}", "mlx-lm")
      for bits in (2, 3, 4, 5, 6, 8) for group in (32, 64, 128)),
    (MLX, "--to mxfp4", "mlx-lm"), (MLX, "--to nvfp4", "mlx-lm"),
    (MLX, "--to mxfp8", "mlx-lm"),
    *((ONNX, f"--to int4 --group {group}", "onnxruntime") for group in (16, 32, 64, 128)),
    (ONNX, "--to int4 --group 32 --asymmetric", "onnxruntime"),
    (ONNX, "--to int4 --group 32 --activations", "onnxruntime"),
    (ONNX, "--to int8 --group 32", "onnxruntime"),
    (ONNX, "--to int8 --group 32 --asymmetric", "onnxruntime"),
    (ONNX, "--to int2 --group 32 --asymmetric", "onnxruntime"),
]
# Where outputs differ though weights do not.
WHY = {
    BNB: "its CPU kernel multiplies in bf16",
    (BNB, "--to int8"): "it rounds activations to eight bits",
    "awq": "it computes in half precision",
    "gptq": "it computes in half precision",
    MLX: "sums in another order",
    ONNX: "sums in another order",
    (ONNX, "--to int4 --group 32 --activations"): "it rounds activations to eight bits",
}
LLAMA = {"gptqmodel", "mlx-lm"}
TOKENS = [[int(n) for n in np.random.default_rng(1).integers(5, 500, 32)]]


def make_llama(folder, sample):
    """A small model of random weights, of a kind that every runtime knows."""
    import torch
    import transformers

    torch.manual_seed(0)
    model = transformers.LlamaForCausalLM(transformers.LlamaConfig(
        hidden_size=256, intermediate_size=512, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, vocab_size=512, max_position_embeddings=128,
        tie_word_embeddings=False))
    for parameter in model.parameters():
        if parameter.ndim == 2:
            torch.nn.init.normal_(parameter, std=0.05)
    model.save_pretrained(folder)
    # Its words are never used, but a loader asks for them.
    shutil.copy(sample / "tokenizer.json", folder)
    (folder / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast"}')


def export(path, sample):
    """The model as the graph that exporters make of it."""
    import torch
    import transformers

    model = transformers.AutoModel.from_pretrained(sample, attn_implementation="eager").eval()

    class Graph(torch.nn.Module):
        def forward(self, input_ids):
            return model(input_ids=input_ids).last_hidden_state

    graph = Graph()
    graph.model = model
    torch.onnx.export(graph, (torch.tensor(TOKENS),), path, input_names=["input_ids"],
                      output_names=["last_hidden_state"], opset_version=17, dynamo=False)


class Difference:
    """The largest difference of elements, and the relative one of all."""

    def __init__(self):
        self.worst, self.square, self.all = 0.0, 0.0, 0.0

    def add(self, found, expected):
        difference = found.astype(np.float64) - expected
        self.worst = max(self.worst, float(np.abs(difference).max()))
        self.square += float((difference**2).sum())
        self.all += float((expected.astype(np.float64) ** 2).sum())

    @property
    def relative(self):
        return (self.square / self.all) ** 0.5 if self.all else 0.0


def plain_model(source, values):
    """The model without quantization, with these weights."""
    import torch
    import transformers

    config = transformers.AutoConfig.from_pretrained(source)
    kind = getattr(transformers, config.architectures[0])
    model = kind(config).eval()
    state = {name: torch.from_numpy(np.ascontiguousarray(value)) for name, value in values.items()}
    missing, unexpected = model.load_state_dict(state, strict=False)
    assert all("position_ids" in name for name in unexpected), unexpected
    assert not missing, missing
    return model


def output(model):
    import torch

    with torch.no_grad():
        result = model(input_ids=torch.tensor(TOKENS))
    return (result.logits if "logits" in result else result.last_hidden_state).float().numpy()


def torch_layers(model, values):
    """{name: what the layer makes of unit vectors} of the layers whose weights are quantized."""
    import torch

    for name, module in model.named_modules():
        key = name + ".weight"
        short = key if key in values else key.removeprefix("model.model.")
        if short not in values or values[short].ndim != 2 or "embed" in name:
            continue
        weight = dequantized(module)
        if weight is not None:
            yield short, weight.float().numpy()
            continue
        columns = values[short].shape[1]
        type = next((p.dtype for p in module.parameters() if p.is_floating_point()), torch.float32)
        # Without the bias, so that nothing is added to weights that would round them.
        bias, module.bias = module.bias, None
        with torch.no_grad():
            rows = module(torch.eye(columns, dtype=type))
        module.bias = bias
        yield short, rows.float().T.numpy()


def dequantized(module):
    """A layer's weights, where the runtime has a function that gives them."""
    kind = type(module).__name__
    if kind == "Linear4bit":
        from bitsandbytes.functional import dequantize_4bit
        return dequantize_4bit(module.weight.data, module.weight.quant_state)
    if kind == "Linear8bitLt":
        from bitsandbytes.functional import int8_vectorwise_dequant
        weight = module.weight
        return int8_vectorwise_dequant(weight.data, weight.SCB)
    if hasattr(module, "dequantize_weight"):
        return module.dequantize_weight().T
    return None


def load_transformers(folder, layout):
    import transformers

    config = json.loads((folder / "config.json").read_text())
    kind = getattr(transformers, config["architectures"][0])
    arguments = {}
    if layout == CT:
        from transformers.utils.quantization_config import CompressedTensorsConfig
        arguments["quantization_config"] = CompressedTensorsConfig(dequantize=True)
    return kind.from_pretrained(folder, dtype="float32", device_map="cpu", **arguments).eval()


def load_gptqmodel(folder, layout):
    import torch
    from gptqmodel import BACKEND, GPTQModel

    backend = BACKEND.GPTQ_TORCH if layout == "gptq" else BACKEND.AWQ_TORCH
    # Its kernels are for half precision.
    model = GPTQModel.load(str(folder), device="cpu", backend=backend, dtype=torch.float16)
    return model.model.eval()


def run_mlx(folder, source, values):
    import mlx.core as mx
    import mlx.nn as nn
    from mlx_lm.utils import load_model

    model, _ = load_model(folder)
    weights = Difference()
    for name, module in model.named_modules():
        key = name + ".weight"
        if not isinstance(module, nn.QuantizedLinear):
            continue
        rows = mx.dequantize(
            module.weight, module.scales, getattr(module, "biases", None), module.group_size,
            module.bits, mode=module.mode)
        weights.add(np.array(rows.astype(mx.float32)), values[key])
    found = np.array(model(mx.array(TOKENS)).astype(mx.float32))
    return weights, found


def run_onnx(path, source):
    import onnx
    import onnxruntime
    from onnx import helper
    from onnx_models import dequantized, nodes, with_weights

    def outputs(model, inputs):
        session = onnxruntime.InferenceSession(model.SerializeToString())
        return session.run(None, inputs)[0]

    model = onnx.load(path)
    values = dequantized(model)
    tensors = {tensor.name: tensor for tensor in model.graph.initializer}
    weights = Difference()
    for node in nodes(model.graph):
        if node.op_type != "MatMulNBits":
            continue
        # What the node alone makes of unit vectors.
        rows, columns = values[node.output[0]].shape
        graph = helper.make_graph(
            [node], "node",
            [helper.make_tensor_value_info(node.input[0], onnx.TensorProto.FLOAT, [columns] * 2)],
            [helper.make_tensor_value_info(
                node.output[0], onnx.TensorProto.FLOAT, [columns, rows])],
            [tensors[name] for name in node.input[1:]])
        alone = helper.make_model(
            graph, opset_imports=model.opset_import, ir_version=model.ir_version)
        found = outputs(alone, {node.input[0]: np.eye(columns, dtype=np.float32)})
        weights.add(found.T, values[node.output[0]])
    assert values, "the graph has no MatMulNBits"
    inputs = {"input_ids": np.array(TOKENS, dtype=np.int64)}
    plain = outputs(with_weights(onnx.load(source), values), inputs)
    found = Difference()
    found.add(outputs(model, inputs), plain)
    return {"weights": weights.worst, "relative": weights.relative, "output": found.relative}


def run(folder, layout, loader, source):
    """What became of one case, as a row of the table."""
    if loader == "onnxruntime":
        return run_onnx(folder, source)
    from layouts import read_model

    folder = pathlib.Path(folder)
    values = read_model(folder)
    expected = output(plain_model(source, values))
    if loader == "mlx-lm":
        weights, found = run_mlx(folder, source, values)
    else:
        model = (load_transformers if loader == "transformers" else load_gptqmodel)(folder, layout)
        weights = Difference()
        count = 0
        for name, rows in torch_layers(model, values):
            # What the runtime has in half precision can be no more exact than that.
            expected_rows = values[name]
            if loader == "gptqmodel":
                expected_rows = expected_rows.astype(np.float16).astype(np.float32)
            weights.add(rows, expected_rows)
            count += 1
        assert count, "the loaded model has none of the layers"
        found = output(model)
    outputs = Difference()
    outputs.add(found, expected)
    return {"weights": weights.worst, "relative": weights.relative, "output": outputs.relative}


def version(loader, layout):
    names = {"transformers": ["transformers", layout], "gptqmodel": ["gptqmodel"],
             "mlx-lm": ["mlx-lm", "mlx"], "onnxruntime": ["onnxruntime"]}[loader]
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("kerf", type=pathlib.Path)
    parser.add_argument("model", type=pathlib.Path)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--page", type=pathlib.Path, help="put the table of all layouts in there")
    arguments = parser.parse_args()
    lines = []

    def show(*cells):
        lines.append("| " + " | ".join(cells) + " |")
        print(lines[-1], flush=True)

    show("layout", "converted with", "loader", "weights", "output", "where they differ")
    show(*["---"] * 6)
    # A process for each: runtimes change what they import. It inherits what takes long to import.
    import torch  # noqa: F401
    import transformers  # noqa: F401

    failed = False
    with tempfile.TemporaryDirectory() as place:
        place = pathlib.Path(place)
        llama = place / "llama"
        if isinstance(forked(make_llama, llama, arguments.model), str):
            sys.exit("there is no model to try them with")
        graph = place / "graph.onnx"
        for layout, options, loader in CASES:
            if arguments.names and not any(layout.startswith(name) for name in arguments.names):
                continue
            source = llama if loader in LLAMA else arguments.model
            folder = place / "out"
            if loader == "onnxruntime":
                source, folder = graph, place / "out.onnx"
                if not graph.exists() and isinstance(forked(export, graph, arguments.model), str):
                    sys.exit("there is no graph to try them with")
            result = subprocess.run(
                [arguments.kerf, "convert", source, folder, "--layout", layout, *options.split(),
                 "--force"], capture_output=True, text=True)
            if result.returncode == 0:
                row = forked(run, folder, layout, loader, source)
            else:
                row = (result.stderr.strip().splitlines() or ["no output"])[-1]
            if isinstance(row, str):
                failed = True
                cells = [f"failed: {row[:160]}", "", ""]
            else:
                exact = row["weights"] == 0
                half = " in half precision" if loader == "gptqmodel" else ""
                cells = ["exact" + half if exact else f"{row['relative']:.1e}",
                         "exact" if row["output"] == 0 else f"{row['output']:.1e}",
                         WHY.get((layout, options), WHY.get(layout, "")) if row["output"] else ""]
            show(layout, f"`{options}`", version(loader, layout), *cells)
    if arguments.page and not arguments.names:
        write(arguments.page, lines)
    sys.exit(failed)


def write(page, lines):
    """Puts the table where the page has room for it."""
    begin, end = "<!-- loaders -->", "<!-- /loaders -->"
    before, _, rest = page.read_text().partition(begin)
    after = rest.partition(end)[2]
    table = "\n".join([begin, f"Made on {datetime.date.today()}.", "", *lines, end])
    page.write_text(before + table + after)


def forked(function, *arguments):
    """What the function returns in a process of its own; a text where it fails."""
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)

    def body():
        # The table is alone on the standard output.
        os.dup2(2, 1)
        try:
            sender.send(function(*arguments))
        except BaseException as error:
            traceback.print_exc()
            text = str(error).strip().splitlines()
            sender.send(f"{type(error).__name__}: {text[0] if text else ''}")

    process = context.Process(target=body)
    process.start()
    sender.close()
    try:
        return receiver.recv()
    except EOFError:
        return "the process ended"
    finally:
        process.join()


if __name__ == "__main__":
    # Before anything looks for accelerators.
    os.environ["CUDA_VISIBLE_DEVICES"] = ""
    main()
