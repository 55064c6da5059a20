"""A gigabyte: memory stays bounded, and an interrupted run leaves nothing behind. And 141 of them,
of which no byte is read to plan."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from conftest import KERF
from llama import Llama
from containers import gguf_string

ROWS, COLUMNS, TENSORS = 8192, 4096, 16  # 64 MiB each in f16

# A process counts the memory of the one that started it, up to the moment it starts: measure from
# a small one.
MEASURE = """
import os, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A GGUF file of 1 GiB of f16 weights."""
    path = tmp_path_factory.mktemp("big") / "big.gguf"
    array = np.random.default_rng(7).standard_normal((ROWS, COLUMNS), np.float32)
    data = array.astype(np.float16).tobytes()
    number = lambda value, size: value.to_bytes(size, "little")
    head = b"GGUF" + number(3, 4) + number(TENSORS, 8) + number(0, 8)
    for i in range(TENSORS):
        head += gguf_string(f"blk.{i}.ffn_up.weight") + number(2, 4)
        head += number(COLUMNS, 8) + number(ROWS, 8) + number(1, 4) + number(i * len(data), 8)
    with open(path, "wb") as file:
        file.write(head + bytes(-len(head) % 32))
        for _ in range(TENSORS):
            file.write(data)
    yield path
    path.unlink()


def test_memory(big, outputs, capsys):
    target = outputs / "x.gguf"
    started = time.monotonic()
    process = subprocess.run(
        [sys.executable, "-c", MEASURE, KERF, "convert", big, target, "--to", "q4_0",
         "--threads", "2", "--report", outputs / "x.json"],
        capture_output=True, text=True)
    assert process.returncode == 0, process
    unit = 1 if sys.platform == "darwin" else 2**10
    megabytes = int(process.stdout.splitlines()[-1]) * unit / 2**20
    with capsys.disabled():
        print(f" {megabytes:.0f} MiB, {time.monotonic() - started:.1f} s ", end="")
    assert target.stat().st_size > 2**30 * 4.5 / 16
    target.unlink()
    assert megabytes < 200


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interruption(number, big, outputs):
    before = big.stat()
    target = outputs / "x.gguf"
    process = subprocess.Popen(
        [KERF, "convert", big, target, "--to", "q5_1", "--threads", "1"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Wait until it writes, if that can be seen, and let it work for a moment.
    deadline = time.monotonic() + 1
    while not os.listdir(outputs) and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.2)
    process.send_signal(number)
    assert process.wait(timeout=20) != 0
    assert list(outputs.iterdir()) == []
    after = big.stat()
    assert (after.st_size, after.st_mtime_ns) == (before.st_size, before.st_mtime_ns)


@pytest.mark.parametrize("preset", ["q8_0", "q4_0", "q4_K_M"])
def test_plan_of_a_large_model(preset, kerf, outputs, tmp_path):
    """A model of 70 billion parameters in half precision, whose file is all holes."""
    path = Llama(
        layers=80, heads=64, key_value_heads=8, width=8192, forward=28672, vocabulary=128256
    ).write_sparse(tmp_path / "large.gguf")
    assert path.stat().st_size > 140e9
    started = time.monotonic()
    result = kerf(
        "convert", path, outputs / "x.gguf", "--to", preset, "--dry-run", "--json", status=None)
    seconds = time.monotonic() - started
    if "not possible yet" in result.err:
        pytest.skip(f"not all formats of {preset} can be written yet")
    assert seconds < 1
    report = json.loads(result.out)
    assert 70e9 < report["total"]["elements"] < 71e9
    formats = {row["name"]: row["format"] for row in report["tensors"]}
    assert formats["output.weight"] == ("q8_0" if preset == "q8_0" else "q6_K")
    if preset == "q4_K_M":
        # Values that eight heads share take more bits.
        assert formats["blk.11.attn_v.weight"] == "q5_K"
        assert 4.7 < report["total"]["bits_per_weight"] < 5
