"""kerf bench: what it prints has the names that others hold on to. Nothing is held against a clock."""

import json

import pytest

MACHINE = {
    "cpu": str, "isa": str, "threads": int, "int8_dot_peak_gops": float,
    "f32_fma_peak_gflops": float, "read_gbps": float, "memcpy_gbps": float}
ROW = {
    "format": str, "core": str, "m": int, "n": int, "k": int, "threads": int, "seconds": float,
    "gops": float, "weight_gbps": float, "ratio_to_sgemm": float, "ratio_to_int8_peak": float,
    "ratio_to_read": float, "relative_error": float}
TINY = ["bench", "matmul", "--shape", "48x64", "--seconds", "0.000001"]


def holds(value, kind):
    return isinstance(value, str) if kind is str else isinstance(value, (int, float)) and value > 0


@pytest.fixture(scope="module")
def report(kerf):
    return json.loads(kerf(
        *TINY, "--formats", "q8_0,Q4_0,f16,int8_channel", "--m", "1,9", "--threads", "1,2", "--json").out)


def test_machine(report):
    assert all(holds(report["machine"][key], kind) for key, kind in MACHINE.items())
    assert report["machine"]["threads"] == 2
    assert [each["threads"] for each in report["machine"]["by_threads"]] == [1, 2]


def test_rows(report):
    found = {
        (row["format"], row["core"], row["m"], row["threads"]): row for row in report["rows"]}
    assert len(found) == len(report["rows"])
    for m in [1, 9]:
        for threads in [1, 2]:
            assert {(f, c) for f, c, *rest in found if rest == [m, threads]} == {
                ("q8_0", "integer"), ("q8_0", "openblas"), ("q4_0", "integer"),
                ("q4_0", "openblas"), ("f16", "openblas"), ("f32", "f32"),
                # A channel is a group as long as a row.
                ("int8_g64", "integer"), ("int8_g64", "openblas")}
    for (_, core, *_), row in found.items():
        assert (row["n"], row["k"]) == (48, 64)
        # Only the integer core computes with what the peak is made of.
        absent = set() if core == "integer" else {"ratio_to_int8_peak"}
        assert {key for key in ROW if row[key] is None} == absent
        assert all(holds(row[key], kind) for key, kind in ROW.items() if key not in absent)


def test_figures_follow_from_each_other(report):
    best = {each["threads"]: each for each in report["machine"]["by_threads"]}
    sgemm = {
        (row["m"], row["threads"]): row["seconds"] for row in report["rows"] if row["core"] == "f32"}
    for row in report["rows"]:
        assert row["gops"] == pytest.approx(2e-9 * row["m"] * 48 * 64 / row["seconds"])
        assert row["weight_gbps"] == pytest.approx(1e-9 * row["weight_bytes"] / row["seconds"])
        yardsticks = best[row["threads"]]
        assert row["ratio_to_read"] == pytest.approx(row["weight_gbps"] / yardsticks["read_gbps"])
        assert row["ratio_to_sgemm"] == pytest.approx(
            sgemm[row["m"], row["threads"]] / row["seconds"])
        if row["core"] == "integer":
            assert row["ratio_to_int8_peak"] == pytest.approx(
                row["gops"] / yardsticks["int8_dot_peak_gops"])


def test_errors(report):
    for row in report["rows"]:
        assert row["relative_error"] < (0.02 if row["core"] == "integer" else 1e-5), row


def test_default_formats_are_those_that_fill_the_rows(kerf):
    words = [*TINY[:2], "--shape", "32x96", "--m", "1", "--threads", "1", "--cores", "integer",
             "--seconds", "1e-6", "--json"]
    found = {row["format"] for row in json.loads(kerf(*words).out)["rows"]}
    assert {"q8_0", "int8_g96"} <= found and "int4_g64" not in found


def test_table(kerf):
    result = kerf(*TINY, "--formats", "q5_1", "--m", "3", "--threads", "1", "--cores", "integer")
    lines = result.out.splitlines()
    assert any(line.split()[:6] == ["q5_1", "integer", "3", "48", "×", "64"] for line in lines)
    assert result.err == ""


@pytest.mark.parametrize("words, reason", [
    (["--formats", "q8_1"], "does not compute"),
    (["--formats", "nonsense"], "nonsense"),
    (["--shape", "64"], "64"),
    (["--shape", "64x33", "--formats", "q8_0"], "do not end on a block"),
    (["--shape", "64x4097", "--formats", "int4_channel"], "do not end on a block"),
    (["--m", "0"], "expected 1 to"),
    (["--threads", "0"], "expected 1 to"),
    (["--seconds", "0"], "expected more than 0"),
    (["--cores", "gpu"], "gpu"),
])
def test_wrong_usage(kerf, words, reason):
    result = kerf("bench", "matmul", *words, status=64)
    assert result.out == "" and reason in result.err


def test_unavailable_kernels(kerf):
    result = kerf(*TINY, status=1, environment={"KERF_ISA": "abacus"})
    assert len(result.err.splitlines()) == 1 and "abacus" in result.err


QUANTIZE = ["bench", "quantize", "--seconds", "0.000001"]


def test_quantize(kerf):
    report = json.loads(kerf(
        *QUANTIZE, "--shape", "6x128", "--formats", "int4_g64,q8_0", "--from", "f16", "--json").out)
    assert report["source"] == "f16" and report["shape"] == [6, 128] and report["isa"]
    rows = {(row["format"], row["rounding"]): row for row in report["rows"]}
    assert set(rows) == {(f, r) for f in ["int4_g64", "q8_0"] for r in ["optimal", "reference"]}
    for (name, _), row in rows.items():
        assert row["bits_per_weight"] == {"int4_g64": 4.25, "q8_0": 8.5}[name]
        assert row["weights_per_second"] == pytest.approx(6 * 128 / row["seconds"])
        assert 0 < row["relative_rms"] < 0.13
    assert rows["int4_g64", "optimal"]["relative_rms"] < rows["int4_g64", "reference"]["relative_rms"]


def test_quantize_of_a_file(kerf, tmp_path):
    header = json.dumps({
        "small": {"dtype": "BF16", "shape": [2, 64], "data_offsets": [0, 256]},
        "large": {"dtype": "F32", "shape": [4, 64], "data_offsets": [256, 1280]}}).encode()
    file = tmp_path / "w.safetensors"
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(1280))
    words = [*QUANTIZE, "--formats", "int4_g64", "--rounding", "optimal", "--weights", file]
    report = json.loads(kerf(*words, "--json").out)
    assert report["source"] == "f32" and report["shape"] == [4, 64]
    assert [row["relative_rms"] for row in report["rows"]] == [None]
    assert "int4_g64" in kerf(*words).out


@pytest.mark.parametrize("words, status, reason", [
    (["--formats", "iq1_s"], 64, "does not write"),
    (["--from", "q8_0"], 64, "q8_0"),
    (["--seconds", "0"], 64, "expected more than 0"),
    (["--shape", "4x33", "--formats", "q8_0"], 1, "33"),
    (["--weights", "/nonexistent.safetensors"], 1, "/nonexistent.safetensors"),
])
def test_quantize_refusals(kerf, words, status, reason):
    result = kerf("bench", "quantize", *words, status=status)
    assert result.out == "" and reason in result.err
