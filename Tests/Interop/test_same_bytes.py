"""Outputs do not depend on the instruction set or on the number of threads."""

import hashlib

import pytest

from conftest import BLOCK_FORMATS, INSTRUCTION_SETS


@pytest.fixture(scope="module")
def available(kerf, layer, tmp_path_factory):
    """The instruction sets of this CPU."""
    sets = []
    for name in INSTRUCTION_SETS:
        folder = tmp_path_factory.mktemp(name)
        result = kerf(
            "convert", layer, folder / "x.gguf", "--to", "q8_0", status=None,
            environment={"KERF_ISA": name})
        if result.status == 0:
            sets.append(name)
        else:
            assert result.status == 1 and "this CPU has" in result.err, result
            assert list(folder.iterdir()) == []
    assert "baseline" in sets or "neon" in sets
    return sets


@pytest.mark.parametrize("rounding", ["optimal", "reference"])
@pytest.mark.parametrize("format", [*BLOCK_FORMATS, "f16", "bf16"])
def test_bytes(format, rounding, available, kerf, layer, outputs):
    sums = {}
    for name in available:
        for threads in [1, 2, 7]:
            path = outputs / "x.gguf"
            kerf(
                "convert", layer, path, "--to", format, "--rounding", rounding, "--force",
                "--threads", threads, environment={"KERF_ISA": name})
            sums[name, threads] = hashlib.sha256(path.read_bytes()).hexdigest()
    assert len(set(sums.values())) == 1, sums


def test_losses(available, kerf, layer, outputs):
    reports = set()
    for name in available:
        for threads in [1, 2, 7]:
            result = kerf(
                "convert", layer, outputs / "x.gguf", "--to", "q4_0", "--force", "--json",
                environment={"KERF_ISA": name, "KERF_THREADS": str(threads)})
            tensors = result.out[result.out.index('"tensors"') : result.out.index('"total"')]
            reports.add(tensors)
    assert len(reports) == 1
