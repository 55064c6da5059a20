"""`--help` is part of the interface: what it says changes on purpose only.

After such a change: KERF_UPDATE_GOLDENS=1 pytest Tests/Interop/test_help.py
"""

import os
import pathlib

import pytest

GOLDENS = pathlib.Path(__file__).parents[1] / "Goldens" / "help"


@pytest.mark.parametrize(
    "words", ["", "bench", "bench matmul", "bench quantize", "convert", "formats", "inspect", "measure", "plan", "sweep"])
def test_help(kerf, words):
    result = kerf(*words.split(), "--help")
    assert result.status == 0 and result.err == ""
    golden = GOLDENS / f"{words.replace(' ', '_') or 'kerf'}.txt"
    if os.environ.get("KERF_UPDATE_GOLDENS"):
        golden.parent.mkdir(parents=True, exist_ok=True)
        golden.write_text(result.out)
    assert result.out == golden.read_text()


@pytest.mark.parametrize("words", ["formats", "formats --all", "formats q4_1", "formats q4_K_M"])
def test_formats(kerf, words):
    result = kerf(*words.split())
    assert result.status == 0 and result.err == ""
    golden = GOLDENS.parent / f"{words.replace(' ', '_').replace('--', '')}.txt"
    if os.environ.get("KERF_UPDATE_GOLDENS"):
        golden.write_text(result.out)
    assert result.out == golden.read_text()
