"""Errors to a section of the page, and to the pages of the formats."""

import re

from page import table

HEADING = "## Errors beside llama-quantize"

INTRODUCTION = """\
Σ(x−y)² / Σx² of what was written, times 10⁻³, by gguf's decoders; less is better. The bits are the
same. Weights: 2048 × 1536 Gaussian and Student-t(5) numbers, and the six matrices of
all-MiniLM-L6-v2 that have rows of 1536. llama-quantize runs with `--pure`. *Ratio* is the error of
optimal rounding over llama-quantize's.
"""

WEIGHTED = """\
The same with an importance matrix: Σw(x−y)² / Σwx², times 10⁻³, where w are the mean squares of 512
random activations whose columns differ as e to the power of a normal number. *Without* is optimal
rounding that knows nothing of them.
"""


def index(rows):
    return {
        (row["format"], row["working_set"], row["peer"], row["rounding"], row["how"]):
            row["relative_error"] for row in rows if row["kernel"] == "error"}


def number(value):
    return "" if value is None else f"{value * 1e3:.4g}"


def ratio(a, b):
    return f"{a / b:.3f}" if a is not None and b else ""


def formats(rows):
    return list(dict.fromkeys(row["format"] for row in rows))


def distributions(rows):
    return list(dict.fromkeys(row["working_set"] for row in rows))


def plain_table(rows, names=None):
    found, lines = index(rows), []
    for name in names or formats(rows):
        for weights in distributions(rows):
            get = lambda *key: found.get((name, weights, *key))
            optimal, reference, peer = (
                get("kerf", "optimal", ""), get("kerf", "reference", ""),
                get("llama-quantize", "", ""))
            lines.append([
                name, weights, number(optimal), number(reference), number(peer),
                ratio(optimal, peer), ratio(optimal, reference)])
    return table(
        ["format", " weights", "optimal", "reference", "llama-quantize", "ratio",
         "optimal ÷ reference"], lines)


def weighted_table(rows):
    found, lines = index(rows), []
    for name in formats(rows):
        for weights in distributions(rows):
            get = lambda *key: found.get((name, weights, *key))
            ours = get("kerf", "optimal", "importance")
            without = get("kerf", "optimal", "weighted error only")
            peer = get("llama-quantize", "", "importance")
            lines.append([
                name, weights, number(ours), number(without), number(peer), ratio(ours, peer)])
    return table(
        ["format", " weights", "with importance", "without", "llama-quantize", "ratio"], lines)


def section(rows):
    return [
        HEADING, "", INTRODUCTION, *plain_table(rows), "### With importance", "", WEIGHTED,
        *weighted_table(rows)]


BEGIN, END = "<!-- errors: ", "<!-- end of errors -->"


def fill(folder, rows):
    """Puts the tables into the pages of the formats, between their marks."""
    for path in sorted(folder.glob("*.md")):
        text = path.read_text()

        def filled(match):
            known = formats(rows)
            names = [name for name in match[1].split() if name in known]
            if not names:
                return match[0]
            body = "\n".join(plain_table(rows, names))
            return f"{BEGIN}{match[1]} -->\n\n{body}\n{END}"

        marked = re.compile(re.escape(BEGIN) + r"(.*?) -->.*?" + re.escape(END), re.DOTALL)
        new = marked.sub(filled, text)
        if new != text:
            path.write_text(new)
