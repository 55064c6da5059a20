"""Models as people have them: directories, shards with an index, GGUF in parts."""

import json

import gguf
import numpy as np
import pytest

from conftest import assert_refused
from containers import read_safetensors, safetensors_bytes


def write_shards(folder, tensors, parts):
    """A model in several safetensors files with their index."""
    names = list(tensors)
    files, places = {}, {}
    for number in range(parts):
        file = f"model-{number + 1:05}-of-{parts:05}.safetensors"
        files[file] = {name: ("F32", tensors[name]) for name in names[number::parts]}
        places |= {name: file for name in files[file]}
    for file, content in files.items():
        (folder / file).write_bytes(safetensors_bytes(content, {"format": "pt"}))
    index = folder / "model.safetensors.index.json"
    index.write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": places}))
    (folder / "config.json").write_text('{"model_type": "llama"}')
    return index


@pytest.fixture
def tensors():
    rng = np.random.default_rng(3)
    return {f"model.layers.{i}.mlp.up_proj.weight": rng.standard_normal((16, 256), np.float32)
            for i in range(9)}


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "model"
    path.mkdir()
    return path


@pytest.mark.parametrize("named", ["directory", "index", "first"])
def test_shards_are_one_model(kerf, folder, outputs, tensors, named):
    index = write_shards(folder, tensors, 4)
    path = {
        "directory": folder, "index": index,
        "first": folder / "model-00001-of-00004.safetensors"}[named]
    kerf("convert", path, outputs / "model.safetensors", "--to", "f32")
    found, metadata = read_safetensors(outputs / "model.safetensors")
    assert metadata == {"format": "pt"}
    assert {name: array.tobytes() for name, (_, array) in found.items()} == {
        name: array.tobytes() for name, array in tensors.items()}
    kerf("convert", path, outputs / "model.gguf", "--to", "q4_0", "--pure")
    reader = gguf.GGUFReader(outputs / "model.gguf")
    assert {tensor.name for tensor in reader.tensors} == set(tensors)
    assert reader.fields["general.architecture"].contents() == "llama"


def test_gguf_in_parts(kerf, folder, outputs, tensors):
    path = folder / "model.gguf"
    writer = gguf.GGUFWriter(path, "llama", split_max_tensors=4)
    writer.add_block_count(9)
    for name, array in tensors.items():
        writer.add_tensor(name.replace("model.layers", "blk"), array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    parts = sorted(folder.iterdir())
    assert len(parts) == 3
    kerf("convert", folder, outputs / "whole.gguf", "--to", "f32")
    reader = gguf.GGUFReader(outputs / "whole.gguf")
    assert len(reader.tensors) == len(tensors)
    assert not [key for key in reader.fields if key.startswith("split.")]
    parts[1].unlink()
    assert_refused(kerf("convert", parts[0], outputs / "b.gguf", "--to", "q8_0", status=None), parts[1])
    result = kerf("convert", parts[2], outputs / "b.gguf", "--to", "q8_0", status=None)
    assert_refused(result, parts[2])
    assert not (outputs / "b.gguf").exists()


def test_a_missing_shard_and_a_name_twice(kerf, folder, outputs, tensors):
    write_shards(folder, tensors, 3)
    gone = folder / "model-00002-of-00003.safetensors"
    content = gone.read_bytes()
    gone.unlink()
    assert_refused(kerf("convert", folder, outputs / "a.gguf", "--to", "q8_0", status=None), gone)
    gone.write_bytes(content)
    other = folder / "model-00003-of-00003.safetensors"
    other.write_bytes(content)
    result = kerf("convert", folder, outputs / "a.gguf", "--to", "q8_0", status=None)
    assert_refused(result, other)
    assert not list(outputs.iterdir())


def test_an_input_is_never_the_output(kerf, folder, tensors):
    write_shards(folder, tensors, 2)
    part = folder / "model-00002-of-00002.safetensors"
    before = part.read_bytes()
    result = kerf("convert", folder, part, "--to", "f16", "--force", status=None)
    assert_refused(result, part)
    assert part.read_bytes() == before
