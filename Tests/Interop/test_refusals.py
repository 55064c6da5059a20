"""What the command will not do, and what it leaves behind then: nothing."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pytest

from conftest import KERF, assert_refused
from containers import safetensors_bytes


def test_missing_input(kerf, outputs):
    path = outputs / "missing.safetensors"
    assert_refused(kerf("convert", path, outputs / "x.gguf", "--to", "q8_0", status=None), path)
    assert list(outputs.iterdir()) == []


def test_input_is_a_directory_of_something_else(kerf, outputs, tmp_path):
    path = tmp_path / "folder.safetensors"
    path.mkdir()
    assert_refused(kerf("convert", path, outputs / "x.gguf", "--to", "q8_0", status=None), path)
    assert list(outputs.iterdir()) == []


def test_output_folder_is_missing(kerf, tiny, outputs):
    path = outputs / "nowhere" / "x.gguf"
    assert_refused(kerf("convert", tiny, path, "--to", "q8_0", status=None), path)
    assert list(outputs.iterdir()) == []


def test_output_is_a_directory(kerf, tiny, outputs):
    path = outputs / "x.gguf"
    path.mkdir()
    for force in [[], ["--force"]]:
        assert_refused(kerf("convert", tiny, path, "--to", "q8_0", *force, status=None), path)
    assert list(outputs.iterdir()) == [path] and list(path.iterdir()) == []


def test_output_exists(kerf, tiny, outputs):
    path = outputs / "x.gguf"
    path.write_bytes(b"precious")
    assert_refused(kerf("convert", tiny, path, "--to", "q8_0", status=None), path)
    assert path.read_bytes() == b"precious" and list(outputs.iterdir()) == [path]
    kerf("convert", tiny, path, "--to", "q8_0", "--force")
    assert path.read_bytes()[:4] == b"GGUF" and list(outputs.iterdir()) == [path]


@pytest.mark.parametrize("link", ["same", "symlink", "hardlink", "other spelling"])
def test_output_is_the_input(link, kerf, tiny):
    before = tiny.read_bytes()
    path = tiny if link == "same" else tiny.parent / "link.safetensors"
    if link == "symlink":
        path.symlink_to(tiny)
    elif link == "hardlink":
        os.link(tiny, path)
    elif link == "other spelling":
        path = tiny.parent / ".." / tiny.parent.name / tiny.name
    present = sorted(tiny.parent.iterdir())
    for force in [[], ["--force"]]:
        result = kerf("convert", tiny, path, "--to", "f16", *force, status=None)
        assert_refused(result, path)
    assert tiny.read_bytes() == before and sorted(tiny.parent.iterdir()) == present


def test_no_room(kerf, outputs, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("mounting a small disk needs root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k", "kerf-test", outputs], capture_output=True)
    if mounted.returncode != 0:
        pytest.skip("this root may not mount")
    try:
        source = tmp_path / "big.safetensors"
        array = np.ones((4096, 1024), np.float32)
        source.write_bytes(safetensors_bytes({"a.weight": ("F32", array)}))
        path = outputs / "x.gguf"
        assert_refused(kerf("convert", source, path, "--to", "q8_0", status=None), path)
        assert list(outputs.iterdir()) == []
    finally:
        subprocess.run(["umount", outputs], check=True)


@pytest.fixture
def as_nobody():
    """Runs the command as a user without rights, in a folder that this user may enter."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("becoming another user needs root and setpriv")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        os.chmod(folder, 0o755)
        # The checkout may be where others cannot enter.
        copy = shutil.copy(KERF, folder)

        def run(*arguments):
            return subprocess.run(
                ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy,
                 *map(str, arguments)], capture_output=True, text=True, cwd=folder)

        if run("--help").returncode != 0:
            pytest.skip("another user cannot run the command here")
        run.folder = Path(folder)
        yield run


def refused(process, path):
    assert process.returncode == 1, process
    assert len(process.stderr.splitlines()) == 1 and path.name in process.stderr, process


def test_no_permission_to_read(as_nobody, tiny):
    path = as_nobody.folder / "secret.safetensors"
    path.write_bytes(tiny.read_bytes())
    path.chmod(0)
    public = as_nobody.folder / "public"
    public.mkdir()
    public.chmod(0o777)
    refused(as_nobody("convert", path, public / "x.gguf", "--to", "q8_0"), path)
    assert list(public.iterdir()) == []


def test_no_permission_to_write(as_nobody, tiny):
    source = as_nobody.folder / "readable.safetensors"
    source.write_bytes(tiny.read_bytes())
    source.chmod(0o644)
    path = as_nobody.folder / "x.gguf"
    before = sorted(as_nobody.folder.iterdir())
    refused(as_nobody("convert", source, path, "--to", "q8_0"), path)
    assert sorted(as_nobody.folder.iterdir()) == before


@pytest.mark.parametrize("arguments", [
    ["convert"], ["convert", "IN"], ["convert", "IN", "OUT"],
    ["convert", "IN", "OUT", "--to"], ["convert", "IN", "OUT", "--to", "q99"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--rounding", "up"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--threads", "many"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--threads", "0"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--unheard-of"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--tensor", "no-format"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--tensor", "(=q8_0"],
    ["convert", "IN", "OUT", "--to", "q8_0", "--tensor", "weight=q99"],
    ["frobnicate"],
], ids=" ".join)
def test_wrong_usage(arguments, kerf, tiny, outputs):
    names = {"IN": str(tiny), "OUT": str(outputs / "x.gguf")}
    result = kerf(*[names.get(argument, argument) for argument in arguments], status=64)
    assert result.err and not result.out
    assert list(outputs.iterdir()) == []


def test_a_rule_that_matches_nothing(kerf, tiny, outputs):
    result = kerf(
        "convert", tiny, outputs / "x.gguf", "--to", "q8_0", "--tensor", "no_such_name=q4_0",
        status=1)
    assert len(result.err.splitlines()) == 1 and "no_such_name" in result.err
    assert list(outputs.iterdir()) == []


@pytest.mark.parametrize(
    "name, arguments", [
        ("x.safetensors", ["--to", "q8_0"]), ("x.gguf", ["--to", "int4_g32"]),
        ("x.gguf", ["--to", "q8_0", "--tensor", "weight=int8_channel"])])
def test_a_format_that_the_container_cannot_hold(name, arguments, kerf, tiny, outputs):
    path = outputs / name
    result = kerf("convert", tiny, path, *arguments, status=None)
    assert result.status in (1, 64), result
    assert list(outputs.iterdir()) == []


def test_a_report_that_cannot_be_written(kerf, tiny, outputs):
    path = outputs / "nowhere" / "x.json"
    result = kerf(
        "convert", tiny, outputs / "x.gguf", "--to", "q8_0", "--report", path, status=None)
    assert_refused(result, path)
    assert list(outputs.iterdir()) == []


@pytest.fixture
def directory(tiny, tmp_path):
    """A model as downloaded: a file of it is a link, as in a hub's cache."""
    folder = tmp_path / "hub" / "model"
    (folder / "1_Pooling").mkdir(parents=True)
    shutil.copy(tiny, folder / "model.safetensors")
    (folder.parent / "blob").write_text("{}")
    (folder / "config.json").symlink_to("../blob")
    for name in ["tokenizer.json", "vocab.csv", "1_Pooling/config.json"]:
        (folder / name).write_text("{}")
    return folder


@pytest.mark.parametrize("name", [
    "config.json", "tokenizer.json", "vocab.csv", "1_Pooling/config.json", "../blob"])
@pytest.mark.parametrize("command", ["convert", "measure", "sweep", "file"])
def test_a_report_that_is_a_file_of_the_model(kerf, directory, outputs, command, name):
    path = directory / name
    if command == "file" and name not in ("config.json", "../blob"):
        pytest.skip("what lies beside a file need not belong to it")
    source = directory / "model.safetensors" if command == "file" else directory
    report = outputs / "report.html"
    report.symlink_to(path.resolve())
    arguments = {
        "measure": ["measure", source, source, "--report"], "sweep": ["sweep", source, "--html"],
    }.get(command, ["convert", source, outputs / "x.gguf", "--to", "q8_0", "--report"])
    for place in [report] + ([path] if path.suffix or command == "sweep" else []):
        # Reports end in what they are.
        result = kerf(*arguments, place, status=1)
        assert len(result.err.splitlines()) == 1 and place.name in result.err
        assert path.read_text() == "{}"
    assert [path.name for path in outputs.iterdir()] == ["report.html"]
    if command == "convert":
        kerf(*arguments, directory / "report.json")


def test_an_output_that_is_a_file_of_the_model(kerf, directory, outputs):
    (outputs / "x.gguf").symlink_to(directory / "config.json")
    result = kerf("convert", directory, outputs / "x.gguf", "--to", "q8_0", "--force", status=1)
    assert "never touched" in result.err and (directory / "config.json").read_text() == "{}"


def test_an_instruction_set_that_is_not_there(kerf, tiny, outputs):
    result = kerf(
        "convert", tiny, outputs / "x.gguf", "--to", "q8_0", status=1,
        environment={"KERF_ISA": "abacus"})
    assert len(result.err.splitlines()) == 1 and "this CPU has" in result.err
    assert list(outputs.iterdir()) == []
