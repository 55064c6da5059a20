"""The record of a run: one CSV row for each figure."""

import csv

COLUMNS = [
    "kernel", "format", "rounding", "source", "target", "isa", "working_set", "peer", "threads",
    "seconds", "elements_per_second", "input_gbps", "output_gbps", "ratio_to_memcpy",
    "peak_mib", "samples", "m", "n", "k", "gops", "relative_error", "granularity", "how"]


def write(path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        writer.writeheader()
        for row in rows:
            writer.writerow({key: text(row.get(key, "")) for key in COLUMNS})


def text(value):
    return f"{value:.6g}" if isinstance(value, float) else value
