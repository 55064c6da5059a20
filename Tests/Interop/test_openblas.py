"""OpenBLAS on a CPU that it does not know: Kerf has it take its AVX-512 kernels, unless told."""

import shutil
import subprocess

import pytest

from conftest import ROOT


@pytest.fixture(scope="module")
def words(tmp_path_factory):
    compiler = shutil.which("clang") or shutil.which("cc")
    if not compiler:
        pytest.skip("no C compiler")
    program = tmp_path_factory.mktemp("openblas") / "choice"
    subprocess.run(
        [compiler, "-O2", "-I", ROOT / "CShims/COpenBLAS", "-o", program,
         ROOT / "Tests/Interop/openblas_choice.c", "-ldl", "-lm"], check=True)
    out = subprocess.run([program], capture_output=True, text=True)
    assert out.returncode == 0, out.stdout
    if out.stdout.startswith(("no library", "kept")):
        pytest.skip(f"nothing to choose: {out.stdout.strip()}")
    return out.stdout.split()


def test_better_kernels_are_chosen(words):
    assert words[:2] == ["Haswell", "SkylakeX"]


def test_the_product_is_the_same(words):
    # Sums of 1024 products below a quarter, in another order.
    assert float(words[2]) < 1e-4
