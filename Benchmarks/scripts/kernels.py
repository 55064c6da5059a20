"""Runs the Swift benchmarks and takes their medians out of the export."""

import json
import os
import re
import subprocess
import sys
import tempfile


def measure(package, peers, rounds, pattern=None):
    """One row for each contestant of each case."""
    environment = {**os.environ, "KERF_BENCHMARK_ROUNDS": str(rounds)}
    if peers:
        environment["KERF_BENCHMARK_PEERS"] = str(peers)
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(
            ["swift", "package", "--package-path", package, "--disable-sandbox", "benchmark",
             "--format", "jmh", "--path", folder, "--no-progress"]
            + (["--filter", pattern] if pattern else []),
            env=environment, check=True, stdout=sys.stderr)
        with open(os.path.join(folder, "Current_run.jmh.json")) as export:
            elements = json.load(export)
    return [row for element in elements for row in rows(element)]


def tags(name):
    """The harness's `name (key: value, …)`, in which it has made blanks underscores."""
    inside = re.search(r"\((.*)\)$", name).group(1)
    return dict(item.split(":_", 1) for item in inside.split(",_"))


def rows(element):
    case = tags(element["benchmark"])
    # The export carries metrics of earlier benchmarks along; ours are those the tags name.
    seconds = {
        name: element["secondaryMetrics"][name]["scorePercentiles"]["50.0"] * 1e-12
        for name in case["contestants"].split("+")}
    elements, read, written = (int(case[key]) for key in ["elements", "input", "output"])
    # What a kernel moves on its heavier side is held against what memcpy copies.
    side = {"encode": read, "loss": read, "decode": written, "convert": max(read, written)}
    for name, median in seconds.items():
        peer, _, isa = name.partition(".") if name.startswith("kerf.") else (name, "", "")
        yield {
            "kernel": case["kernel"], "format": case["format"],
            "rounding": case["rounding"].replace("-", ""), "source": case["source"],
            "target": case["target"], "isa": isa, "working_set": case["working_set"],
            "peer": peer, "threads": 1, "seconds": median,
            "elements_per_second": elements / median,
            "input_gbps": read / median * 1e-9, "output_gbps": written / median * 1e-9,
            "ratio_to_memcpy": 1.0 if name == "memcpy"
            else side[case["kernel"]] / median / (read / seconds["memcpy"]),
            "samples": len(element["secondaryMetrics"][name]["rawData"][0]),
        }
