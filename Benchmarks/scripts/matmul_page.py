"""Rows of matrix products to the section of the page that people read."""

import re

from page import number, table

HEADING = "## Matrix products"

INTRODUCTION = """\
Y[M, N] = X[M, K] · W[N, K]ᵀ, X and Y in f32, W quantized. Contestants take turns; the best turn of
each counts, and one thread is timed by its processor, so that what else runs on the machine counts
little. Weights rotate through copies of four times the last-level cache, so with few rows of X they
come from memory. A peer's weights are random numbers in its own layout, converted before the clock
starts; X is quantized while it runs, where it is.
"""

def acceptance_lines(report, own):
    """What was wanted of the cores, and what was measured."""
    machine = {each["threads"]: each for each in report["machine"]["by_threads"]}
    most = max(machine)
    rows = index(report)
    chosen, others = (each["machine"]["openblas_kernels"] for each in [report, own])
    because = ("as it chooses itself" if report["machine"]["openblas_kernels_replaced"]
               else "which it takes where it does not know the CPU")
    lines = []

    def line(what, format, threads, wanted, value):
        if value is not None:
            lines.append([what, f"{format}", str(threads), f"{value:.2f}", wanted])

    for format in dict.fromkeys(row["format"] for row in report["rows"] if row["core"] != "f32"):
        one, all_ = (rows[format, "integer", 512, threads] for threads in [1, most])
        line("M = 512, integer core ÷ int8 peak", format, 1,
             "≥ 0.80" if is_channel(report, format) else "≥ 0.70" if format.startswith("q") else "",
             one["ratio_to_int8_peak"])
        line("M = 512, integer core × sgemm", format, 1, "≥ 2.5", one["ratio_to_sgemm"])
        if most > 1:
            line(f"M = 512, integer core, {most} threads against one", format, most,
                 "≥ 1.8" if most == 2 else "", one["seconds"] / all_["seconds"])
        for threads in sorted(machine):
            line("M = 1, bytes of weights ÷ read bandwidth", format, threads, "≥ 0.85",
                 rows[format, "integer", 1, threads]["ratio_to_read"])
        for threads in sorted(machine):
            line("M = 512, OpenBLAS core ÷ sgemm of f32", format, threads, "≥ 0.85",
                 rows[format, "openblas", 512, threads]["ratio_to_sgemm"])
    for (format, core, m, threads), row in index(own).items():
        line(f"M = 512, OpenBLAS's {chosen} kernels × its {others} kernels, {because}",
             f"{format} {core}".replace("f32 f32", "f32"), threads, "≥ 1.6",
             row["seconds"] / rows[format, core, m, threads]["seconds"])
    return lines


def is_channel(report, format):
    """Whether groups are as long as a row."""
    return any(row["format"] == format and format.endswith(f"_g{row['k']}") for row in report["rows"])


def index(report):
    return {(row["format"], row["core"], row["m"], row["threads"]): row for row in report["rows"]}


def acceptance(report, own):
    machine = report["machine"]
    best = table(
        ["at best", "threads", "int8, Gop/s", "f32, Gflop/s", "read, GB/s", "memcpy, GB/s"],
        [[machine["int8_dot_instructions"], str(each["threads"])] + [
            number(each[key]) for key in
            ["int8_dot_peak_gops", "f32_fma_peak_gflops", "read_gbps", "memcpy_gbps"]]
         for each in machine["by_threads"]])
    ratios = table(
        ["N = K = 4096", " weights", "threads", "measured", "wanted"],
        acceptance_lines(report, own))
    worst = {}
    for row in report["rows"]:
        if row["core"] != "f32" and row["relative_error"] is not None:
            key = row["format"] if row["core"] == "integer" else "all", row["core"]
            worst[key] = max(worst.get(key, 0), row["relative_error"])
    errors = table(
        ["core", " weights", "largest relative error", "wanted"],
        [[core, format, f"{error:.1e}",
          "≤ 1e-05" if core == "openblas" else "what int8 activations cost"]
         for (format, core), error in worst.items()])
    return [
        "### Beside what the machine can do", "", "One run of `kerf bench matmul`.", "",
        *best, *ratios,
        "Against the f64 product of the decoded weights, in a sample of Y:", "", *errors]


def is_equal(row, ours):
    """Whether a peer's weights have scales as fine as Kerf's, and can be held against its core."""
    grain = lambda each: re.search(r"of \d+|a row|f32", each["grain"]).group()
    return grain(row) == grain(ours)


def peers(rows):
    threads = sorted({row["threads"] for row in rows}, reverse=True)
    text = ["### Beside peers", "", *contestants(rows), *summary(rows)]
    for count in threads:
        some = [row for row in rows if row["threads"] == count]
        title = "One thread" if count == 1 else f"{count} threads"
        text += [f"#### {title}", ""]
        for part in [[row for row in some if row["format"] != "f32"],
                     [row for row in some if row["format"] == "f32"]]:
            text += contest_table(part) if part else []
    return text


def contestants(rows):
    """Who took part, and how: said by those that measured."""
    found, worst = {}, {}
    for row in rows:
        key = row["peer"], row["what"], row["grain"]
        found.setdefault(key, []).append(row["format"])
        worst[key] = max(worst.get(key, 0), row.get("relative_error") or 0)
    lines = []
    for (peer, what, grain), formats in found.items():
        names = ", ".join(dict.fromkeys(formats))
        error = worst[peer, what, grain]
        lines.append([f"`{peer}`", names, what, grain, f"{error:.1e}" if error else ""])
    return table(["who", " weights", " how", " granularity", "largest relative error"], lines)


def cases(rows):
    found = {}
    for row in rows:
        key = row["format"], row["n"], row["k"], row["m"], row["threads"]
        found.setdefault(key, {})[row["peer"]] = row
    return found


def summary(rows):
    """How often Kerf is ahead where granularity is equal, and where it is not."""
    ahead, behind = 0, []
    for (format, n, k, m, threads), contest in cases(rows).items():
        ours = contest.get("kerf.integer")
        for peer, row in contest.items():
            if not ours or peer.startswith("kerf") or not is_equal(row, ours):
                continue
            ratio = row["seconds"] / ours["seconds"]
            if ratio >= 1:
                ahead += 1
            else:
                behind.append(
                    f"- {format}, M = {m}, {n} × {k}, threads: {threads}: {ratio:.2f} of `{peer}`")
    if ahead + len(behind) == 0:
        return []
    text = [f"Of {ahead + len(behind)} comparisons of equal granularity Kerf's integer core is ahead "
            f"in {ahead}."]
    return text + (["It is not in these:", "", *behind] if behind else []) + [""]


def contest_table(rows):
    peers = [name for name in dict.fromkeys(row["peer"] for row in rows)
             if not name.startswith("kerf")]
    kerf = [name for name in ["kerf.integer", "kerf.openblas"]
            if any(row["peer"] == name for row in rows)]
    head = ["weights", " N × K", "M"] + [f"{name}, Gop/s" for name in kerf]
    for name in peers:
        head += [f"{name}, Gop/s"] + ([f"kerf.integer ÷ {name}"] if kerf else [])
    lines = []
    for (format, n, k, m, _), contest in cases(rows).items():
        get = contest.get
        ours = get("kerf.integer")
        line = [format, f"{n} × {k}", str(m)]
        line += [number(row and row["gops"]) for row in map(get, kerf)]
        for name in peers:
            row = get(name)
            line.append(number(row and row["gops"]))
            if kerf:
                line.append(number(row["seconds"] / ours["seconds"] if row and ours else None))
        lines.append(line)
    return table(head, lines)


def section(facts, measured, left_out):
    """The section, with a table of its own facts: it may be younger than the page around it."""
    rows, report, own = measured
    text = [HEADING, "", INTRODUCTION, *table(["", " "], [list(fact) for fact in facts.items()])]
    text += acceptance(report, own)
    if rows:
        text += peers(rows)
    if left_out:
        text += ["Left out:", ""] + [f"- {line}" for line in left_out] + [""]
    return text


def records(measured):
    """The rows of the CSV record."""
    rows, report, own = measured
    found = [{**row, "how": row["what"], "granularity": row["grain"]} for row in rows]
    for each in report["machine"]["by_threads"]:
        for key in ["int8_dot_peak_gops", "f32_fma_peak_gflops"]:
            found.append({
                "kernel": key, "isa": report["machine"]["isa"], "threads": each["threads"],
                "gops": each[key]})
        for key in ["read_gbps", "memcpy_gbps"]:
            found.append({"kernel": key, "threads": each["threads"], "input_gbps": each[key]})
    for which, note in [(report, "beside the peaks"), (own, "OpenBLAS's own choice of kernels")]:
        for row in (which or {"rows": []})["rows"]:
            found.append({
                **row, "kernel": "matmul", "peer": f"kerf.{row['core']}", "samples": row["turns"],
                "input_gbps": row["weight_gbps"], "how": note})
    return found
