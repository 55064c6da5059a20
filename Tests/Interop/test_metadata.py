"""A GGUF file's keys and alignment survive."""

import gguf
import numpy as np
import pytest

# Keys that say what the conversion did.
OWN_KEYS = {"general.file_type", "general.quantization_version"}


def write(path, alignment):
    types = gguf.GGUFValueType
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_custom_alignment(alignment)
    writer.add_file_type(0)
    scalars = {
        types.UINT8: 255, types.INT8: -128, types.UINT16: 65535, types.INT16: -32768,
        types.UINT32: 2**32 - 1, types.INT32: -(2**31), types.UINT64: 2**64 - 1,
        types.INT64: -(2**63), types.FLOAT32: 0.1, types.FLOAT64: 0.1, types.BOOL: True,
        types.STRING: "größe\n\t\"quoted\" 🪚",
    }
    for kind, value in scalars.items():
        writer.add_key_value(f"test.{kind.name.lower()}", value, kind)
        writer.add_key_value(
            f"test.{kind.name.lower()}_array", [value] * 3, types.ARRAY, sub_type=kind)
    writer.add_array("tokenizer.ggml.tokens", [f"token {i}" for i in range(2000)])
    random = np.random.default_rng(3)
    # Rows and sizes that need padding.
    writer.add_tensor("a.weight", random.standard_normal((3, 32), np.float32))
    writer.add_tensor("a.bias", random.standard_normal(5, np.float32))
    writer.add_tensor("b.weight", random.standard_normal((5, 96), np.float32).astype(np.float16))
    writer.add_tensor("ids", np.arange(7, dtype=np.int32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def fields(path):
    reader = gguf.GGUFReader(path)
    return {
        key: (field.types, [bytes(part) for part in field.parts[3:]])
        for key, field in reader.fields.items()
        if not key.startswith("GGUF.") and key not in OWN_KEYS}


@pytest.mark.parametrize("alignment", [8, 32, 64, 256])
def test_keys_and_alignment(alignment, kerf, outputs, tmp_path):
    source, target = tmp_path / "a.gguf", outputs / "b.gguf"
    write(source, alignment)
    kerf("convert", source, target, "--to", "q4_0")
    before, after = fields(source), fields(target)
    assert {key: after.get(key) for key in before} == before
    reader = gguf.GGUFReader(target)
    assert reader.alignment == alignment
    assert reader.get_field("general.file_type").contents() == 2
    assert target.stat().st_size % alignment == 0
    for tensor in reader.tensors:
        assert tensor.data_offset % alignment == 0, tensor.name
    tensors = {tensor.name: tensor for tensor in reader.tensors}
    assert tensors["b.weight"].tensor_type == gguf.GGMLQuantizationType.Q4_0
    assert list(tensors["ids"].data) == list(range(7))
