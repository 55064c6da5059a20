"""What the tests share: the command, the sample model and its conversions."""

import os
import pathlib
import subprocess

import gguf
import numpy as np
import pytest

from containers import read_safetensors, safetensors_bytes

ROOT = pathlib.Path(__file__).resolve().parents[2]
KERF = pathlib.Path(os.environ.get("KERF", ROOT / ".build/release/kerf")).absolute()
MODEL = ROOT / ".cache/models/all-MiniLM-L6-v2/model.safetensors"

BLOCK_FORMATS = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1"]
TYPES = {name: gguf.GGMLQuantizationType[name.upper()] for name in BLOCK_FORMATS}
INSTRUCTION_SETS = ["baseline", "avx2", "avx512", "neon"]


class Result:
    """How a run of the command ended."""

    def __init__(self, process):
        self.status = process.returncode
        self.out = process.stdout
        self.err = process.stderr

    def __repr__(self):
        return f"exit {self.status}\nstdout: {self.out}\nstderr: {self.err}"


@pytest.fixture(scope="session")
def kerf():
    """Runs the command: kerf("convert", …, status=0, environment={…})."""
    assert KERF.exists(), f"there is no {KERF}; `make build` makes it"

    def run(*arguments, status=0, environment=None):
        process = subprocess.run(
            [KERF, *map(str, arguments)], capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL, env={**os.environ, "NO_COLOR": "1", **(environment or {})})
        result = Result(process)
        assert status is None or result.status == status, result
        return result

    return run


@pytest.fixture(scope="session")
def model():
    """The path of the sample model."""
    assert MODEL.exists(), f"there is no {MODEL}; scripts/fetch-model fetches it"
    return MODEL


@pytest.fixture(scope="session")
def weights(model):
    """The sample model: {name: array}."""
    return {name: array for name, (_, array) in read_safetensors(model)[0].items()}


@pytest.fixture(scope="session")
def converted(kerf, model, tmp_path_factory):
    """The sample model as GGUF, made once for each format and rounding."""
    made = {}

    def convert(format, rounding):
        if (format, rounding) not in made:
            path = tmp_path_factory.mktemp("converted") / f"{format}-{rounding}.gguf"
            kerf("convert", model, path, "--to", format, "--rounding", rounding)
            made[format, rounding] = path
        return made[format, rounding]

    return convert


@pytest.fixture(scope="session")
def layer(weights, tmp_path_factory):
    """The first layer of the sample model as a file of its own, where speed counts."""
    path = tmp_path_factory.mktemp("layer") / "layer.safetensors"
    tensors = {
        name: ("F32", array) for name, array in weights.items()
        if name.startswith("encoder.layer.0.")}
    path.write_bytes(safetensors_bytes(tensors))
    return path


@pytest.fixture
def tiny(tmp_path):
    """A file of one 8 × 64 tensor, in a folder of its own."""
    folder = tmp_path / "input"
    folder.mkdir()
    path = folder / "tiny.safetensors"
    array = np.random.default_rng(1).standard_normal((8, 64), np.float32)
    path.write_bytes(safetensors_bytes({"blk.0.weight": ("F32", array)}))
    return path


@pytest.fixture
def outputs(tmp_path):
    """An empty folder to write to; whatever a failed run leaves there is found."""
    folder = tmp_path / "outputs"
    folder.mkdir()
    return folder


def is_quantized(name, array):
    """Whether convert quantizes this tensor of the sample model."""
    return (
        array.dtype.kind == "f" and array.ndim >= 2 and name.endswith("weight")
        and "position_embeddings" not in name and "token_type_embeddings" not in name)


def read_gguf(path):
    """{name: tensor} of a GGUF file, through its public reader."""
    return {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}


def raw(tensor):
    """The bytes of a tensor that the GGUF reader gave."""
    return np.ascontiguousarray(tensor.data).view(np.uint8).reshape(-1)


def values(tensor):
    """The float32 values of a tensor that the GGUF reader gave, in row-major shape."""
    shape = [int(n) for n in reversed(tensor.shape)]
    return gguf.quants.dequantize(tensor.data, tensor.tensor_type).reshape(shape)


def assert_refused(result, path):
    """One line on standard error that names the file, and status 1."""
    assert result.status == 1, result
    assert len(result.err.splitlines()) == 1, result
    assert path.name in result.err, result
