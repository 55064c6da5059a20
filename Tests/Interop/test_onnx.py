"""ONNX models whose weights `kerf convert` quantizes, run by ONNX Runtime itself."""

import json
import os

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import numpy_helper

from onnx_models import dequantized, nodes, sample, with_weights

CASES = [
    "--to int4", "--to int4 --group 16 --asymmetric", "--to int4 --group 32 --asymmetric",
    "--to int8", "--to int8 --group 16 --asymmetric", "--to int2 --asymmetric",
    "--to int4 --rounding reference",
]
QUERY = "encoder.layer.0.attention.self.query.weight"
# {name: output of its first node}
LINEAR = {QUERY: "a", "fc.weight": "c_product", "plain": "d", "tied.weight": "f2", "uneven": "u",
          "inner": "then_out"}


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """The same model as people have it: (name of the file, model)."""
    folder = tmp_path_factory.mktemp("onnx")
    made = {}

    def path(kind):
        if kind not in made:
            model = sample(np.float16 if kind == "f16" else np.float32, 3 if kind == "old" else 8)
            made[kind] = folder / f"{kind}.onnx"
            options = {}
            if kind == "external":
                options = dict(save_as_external_data=True, location="external.onnx_data",
                               size_threshold=512, convert_attribute=True)
            onnx.save(model, made[kind], **options)
        return made[kind], onnx.load(made[kind])

    return path


def assert_says(result, status, word):
    """A refusal with that word, in one line where it is no usage."""
    assert result.status == status and word in result.err, result
    assert status == 64 or len(result.err.splitlines()) == 1, result


def run(model):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model if isinstance(model, str) else model.SerializeToString(), options)
    kind = np.float16 if "float16" in session.get_inputs()[0].type else np.float32
    x = np.random.default_rng(2).normal(size=(64, 64)).astype(kind)
    return [y.astype(np.float64) for y in session.run(None, {"x": x})]


@pytest.mark.parametrize("options", CASES)
@pytest.mark.parametrize("kind", ["plain", "external", "old", "f16"])
def test_the_runtime_multiplies_with_what_was_measured(kerf, models, outputs, kind, options):
    path, model = models(kind)
    output = outputs / "out.onnx"
    report = json.loads(kerf("convert", path, output, *options.split(), "--json").out)
    rows = {row["name"]: row for row in report["tensors"]}
    quantized = [name for name, row in rows.items() if row["format"].startswith("int")]
    assert sorted(quantized) == sorted(LINEAR)

    made = onnx.load(output)
    onnx.checker.check_model(str(output))
    values = dequantized(made)
    arrays = {t.name: numpy_helper.to_array(t) for t in model.graph.initializer}
    names = {QUERY: "onnx::MatMul_10", "tied.weight": "onnx::MatMul_20"}
    for name, node in LINEAR.items():
        x = arrays[names.get(name, name)].astype(np.float64)
        x = x if name == "fc.weight" else x.T
        assert rows[name]["shape"] == list(x.shape)
        error = ((values[node] - x) ** 2).sum() / (x**2).sum()
        assert error == pytest.approx(rows[name]["nmse"], rel=1e-5), name

    expected = run(with_weights(model, values))
    tolerance = 1e-2 if kind == "f16" else 1e-5
    for y, reference in zip(run(str(output)), expected, strict=True):
        assert np.linalg.norm(y - reference) <= tolerance * np.linalg.norm(reference)

    # Reading it back measures the same.
    measured = json.loads(kerf("measure", path, output, "--no-matmul", "--json").out)
    again = {row["name"]: row["nmse"] for row in measured["tensors"]}
    assert again == {name: row["nmse"] and pytest.approx(row["nmse"], rel=1e-6)
                     for name, row in rows.items()}


@pytest.mark.parametrize("kind", ["plain", "external", "old"])
def test_all_else_stays_as_it_was(kerf, models, outputs, kind):
    path, model = models(kind)
    output = outputs / "out.onnx"
    kerf("convert", path, output, "--to", "int4")
    made = onnx.load(output)
    assert (outputs / "out.onnx_data").exists() == (kind == "external")
    gone = ["onnx::MatMul_10", "fc.weight", "plain", "onnx::MatMul_20", "uneven", "inner"]
    kept = {t.name: numpy_helper.to_array(t) for t in made.graph.initializer}
    for tensor in model.graph.initializer:
        if tensor.name in gone:
            assert tensor.name not in kept
        else:
            np.testing.assert_array_equal(kept[tensor.name], numpy_helper.to_array(tensor))
    # Old versions name constants among the inputs: one that is gone would be asked for.
    assert not {value.name for value in made.graph.input} & set(gone)
    assert [(s.domain, s.version) for s in made.opset_import] == [("", 17), ("com.microsoft", 1)]
    assert [(p.key, p.value) for p in made.metadata_props] == [("key", "value")]
    others = {n.output[0]: n for n in nodes(made.graph)}
    for node in nodes(model.graph):
        new = others[node.output[0]]
        if new.op_type not in ("MatMulNBits", "If"):
            assert new == node or node.op_type == "Gemm" and new.op_type == "Add"
    assert others["a"].name == "/encoder/layer.0/attention/self/query/MatMul"
    assert others["a"].doc_string == "query"


def test_what_a_graph_has_is_told(kerf, models):
    report = json.loads(kerf("inspect", models("plain")[0], "--json").out)
    tensors = {tensor["name"]: tensor for tensor in report["tensors"]}
    assert report["container"] == "onnx"
    assert tensors[QUERY]["shape"] == [96, 64]
    assert tensors[QUERY]["role"] == "attention"
    assert tensors["lm_head.weight"]["shape"] == [32, 64]
    assert tensors["fc.weight"]["shape"] == [128, 96]
    # A number that an operator computes with is no weight.
    assert "val_7" not in tensors
    # Not only multiplied with, and so as it lies in the file.
    assert tensors["twice"]["shape"] == [64, 64]
    assert "ir_version" in kerf("inspect", models("plain")[0], "--metadata").out


def test_activations_may_be_integers(kerf, models, outputs):
    for name, more in [("exact.onnx", []), ("fast.onnx", ["--activations"])]:
        kerf("convert", models("plain")[0], outputs / name, "--to", "int4", *more)
    levels = [[a.i for n in nodes(onnx.load(outputs / name).graph) for a in n.attribute
               if a.name == "accuracy_level"] for name in ("exact.onnx", "fast.onnx")]
    assert levels[0] == [] and set(levels[1]) == {4}
    for x, y in zip(run(str(outputs / "exact.onnx")), run(str(outputs / "fast.onnx")), strict=True):
        assert np.linalg.norm(x - y) < 0.05 * np.linalg.norm(x)


def test_rules_decide(kerf, models, outputs):
    path, _ = models("plain")
    output = outputs / "out.onnx"
    report = json.loads(kerf(
        "convert", path, output, "--to", "int4", "--tensor", r"lm_head=int8_g16_f32", "--tensor",
        "fc.weight=f32", "--json").out)
    formats = {row["name"]: row["format"] for row in report["tensors"]}
    assert formats["lm_head.weight"] == "int8_g16_f32"
    assert formats["fc.weight"] == "f32"
    assert formats["plain"] == "int4_g32_f32"
    run(str(output))


def test_an_output_head_is_kept_whatever_it_is_called(kerf, models, outputs):
    model = models("plain")[1]
    for node in nodes(model.graph):
        node.name = ""
    onnx.save(model, outputs / "nameless.onnx")
    for options, format in [([], "f32"), (["--tensor", "MatMul_30=int8_g32_f32"], "int8_g32_f32")]:
        report = json.loads(kerf("convert", outputs / "nameless.onnx", outputs / "out.onnx", "--to",
                                 "int4", "--force", "--json", *options).out)
        formats = {row["name"]: row["format"] for row in report["tensors"]}
        assert formats["onnx::MatMul_10"] == "int4_g32_f32"
        assert formats["onnx::MatMul_30"] == format


def test_rows_that_do_not_fill_groups_are_kept(kerf, models, outputs):
    result = kerf("convert", models("plain")[0], outputs / "out.onnx", "--to", "int4")
    assert "could not take" in result.err
    kerf("convert", models("plain")[0], outputs / "no.onnx", "--to", "int4", "--strict", status=2)
    assert not (outputs / "no.onnx").exists()


def test_a_graph_becomes_a_file_of_tensors(kerf, models, outputs):
    path, model = models("plain")
    kerf("convert", path, outputs / "out.onnx", "--to", "int8", "--group", 16)
    for source in [path, outputs / "out.onnx"]:
        kerf("convert", source, outputs / "out.safetensors", "--to", "f32", "--force")
        measured = json.loads(kerf(
            "measure", source, outputs / "out.safetensors", "--no-matmul", "--json").out)
        assert not any(row["nmse"] for row in measured["tensors"])
        assert len(measured["tensors"]) == len(model.graph.initializer) - 1


@pytest.mark.parametrize("name, arguments, status, word", [
    ("out.onnx", ["--to", "q4_0"], 64, "int4"),
    ("out.onnx", ["--to", "nf4"], 1, "int4"),
    ("out.onnx", ["--to", "int3"], 1, "int4"),
    ("out.onnx", ["--to", "int4", "--group", "48"], 1, "32"),
    ("out.onnx", ["--to", "int4", "--tensor", "fc.bias=int4_g32"], 1, "fc.bias"),
    ("out.onnx", ["--to", "int4", "--tensor", "fc.weight=f16"], 1, "fc.weight"),
    ("out.onnx", ["--to", "int4", "--tensor", "nowhere=f32"], 1, "nowhere"),
    ("out.safetensors", ["--to", "int4", "--group", "32"], 64, "--layout"),
    ("out", ["--to", "int4", "--layout", "mlx"], 1, "safetensors"),
])
def test_refusals(kerf, models, outputs, name, arguments, status, word):
    result = kerf("convert", models("plain")[0], outputs / name, *arguments, status=status)
    assert_says(result, status, word)
    assert not any(outputs.iterdir())


def test_only_a_graph_makes_a_graph(kerf, model, outputs):
    result = kerf("convert", model, outputs / "out.onnx", "--to", "int4", status=1)
    assert_says(result, 1, "graph")


def test_what_is_quantized_is_not_quantized_again(kerf, models, outputs):
    path, _ = models("plain")
    kerf("convert", path, outputs / "out.onnx", "--to", "int4", "--tensor", ".*head=int4_g32_f32",
         "--group", 16)
    kerf("convert", outputs / "out.onnx", outputs / "again.onnx", "--to", "int8")
    a, b = [dequantized(onnx.load(outputs / name)) for name in ("out.onnx", "again.onnx")]
    assert all(np.array_equal(a[name], b[name]) for name in a)
    graph = onnx.helper.make_graph([], "empty", [], [])
    onnx.save(onnx.helper.make_model(graph), outputs / "empty.onnx")
    result = kerf("convert", outputs / "empty.onnx", outputs / "no.onnx", "--to", "int4", status=1)
    assert_says(result, 1, "MatMul")


def test_the_input_is_never_touched(kerf, models, tmp_path):
    path, model = models("external")
    for file in [path, path.with_name("external.onnx_data")]:
        (tmp_path / file.name).write_bytes(file.read_bytes())
    # What would be the new model's data is the old one's.
    os.rename(tmp_path / "external.onnx", tmp_path / "old.onnx")
    result = kerf("convert", tmp_path / "old.onnx", tmp_path / "external.onnx", "--to", "int4",
                  "--force", status=1)
    assert_says(result, 1, "external.onnx_data")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["external.onnx_data", "old.onnx"]
    # Of two files, neither appears where one cannot.
    (tmp_path / "new.onnx_data").write_text("mine")
    result = kerf("convert", tmp_path / "old.onnx", tmp_path / "new.onnx", "--to", "int4", status=1)
    assert_says(result, 1, "new.onnx_data")
    assert (tmp_path / "new.onnx_data").read_text() == "mine"
    assert not (tmp_path / "new.onnx").exists()


def test_extents_of_other_versions(kerf, models, outputs):
    """Quantizers of some versions write scales and zero points as vectors, and name nodes anew."""
    kerf("convert", models("plain")[0], outputs / "out.onnx", "--to", "int4", "--asymmetric")
    model = onnx.load(outputs / "out.onnx")
    for tensor in model.graph.initializer:
        if tensor.name.endswith(("_scales", "_zero_points")):
            count = int(np.prod(tensor.dims))
            del tensor.dims[:]
            tensor.dims.append(count)
    for node in nodes(model.graph):
        if node.op_type == "MatMulNBits":
            node.name += "_Q4"
    onnx.save(model, outputs / "flat.onnx")
    measured = [json.loads(kerf("measure", models("plain")[0], outputs / name, "--no-matmul",
                                "--json").out)["tensors"] for name in ("out.onnx", "flat.onnx")]
    assert measured[0] == measured[1]
    run(str(outputs / "flat.onnx"))


def spoiled(model, change):
    node = next(n for n in model.graph.node if n.op_type == "MatMulNBits")
    tensors = {t.name: t for t in model.graph.initializer}
    said = {a.name: a for a in node.attribute}
    change(node, tensors, said)
    return model


@pytest.mark.parametrize("change, word", [
    (lambda node, tensors, said: setattr(said["N"], "i", 95), "96"),
    (lambda node, tensors, said: setattr(said["K"], "i", 1 << 60), "K"),
    (lambda node, tensors, said: setattr(said["K"], "i", 60), "60"),
    (lambda node, tensors, said: setattr(said["bits"], "i", 3), "3 bits"),
    (lambda node, tensors, said: setattr(said["block_size"], "i", 0), "block_size"),
    (lambda node, tensors, said: node.attribute.remove(said["block_size"]), "block_size"),
    (lambda node, tensors, said: node.input.__setitem__(2, "x"), "scales"),
    (lambda node, tensors, said: node.input.__setitem__(2, "axes"), "f32"),
    (lambda node, tensors, said: node.input.__setitem__(3, "fc.bias"), "zero points"),
    (lambda node, tensors, said: node.input.append("axes"), "order"),
])
def test_nodes_that_contradict_their_tensors(kerf, models, outputs, change, word):
    kerf("convert", models("plain")[0], outputs / "out.onnx", "--to", "int4", "--asymmetric")
    model = spoiled(onnx.load(outputs / "out.onnx"), change)
    onnx.save(model, outputs / "spoiled.onnx")
    assert_says(kerf("inspect", outputs / "spoiled.onnx", status=1), 1, word)


def test_large_models_have_their_data_in_another_file(kerf, models, outputs, tmp_path):
    """A tensor of two gigabytes, most of which is a hole; what is made of it is none."""
    path, model = models("external")
    size = (1 << 31) + 4096
    for tensor in model.graph.initializer:
        if tensor.name == "twice":
            tensor.Clear()
            tensor.name, tensor.data_type = "twice", onnx.TensorProto.UINT8
            tensor.dims.append(size)
            tensor.data_location = onnx.TensorProto.EXTERNAL
            for key, value in [("location", "large.data"), ("offset", "0"), ("length", str(size))]:
                tensor.external_data.add(key=key, value=value)
    with open(tmp_path / "large.data", "wb") as file:
        file.truncate(size)
    onnx.save(model, tmp_path / "large.onnx")
    result = kerf("convert", tmp_path / "large.onnx", outputs / "out.onnx", "--to", "int4",
                  "--dry-run", "--json")
    assert json.loads(result.out)["total"]["bytes_in"] > size
