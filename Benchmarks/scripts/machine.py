"""What the figures were measured on and with."""

import os
import pathlib
import platform
import re
import subprocess


def output(*command):
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def cpuinfo(key):
    """The first value of that key, where the system has such a file."""
    try:
        text = pathlib.Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""
    found = re.search(rf"^{key}\s*:\s*(.*)$", text, re.MULTILINE)
    return found.group(1) if found else ""


def cpu():
    name = cpuinfo("model name") or output("sysctl", "-n", "machdep.cpu.brand_string")
    name = name or platform.machine()
    # Virtual machines hide the model's name but not its number.
    if cpuinfo("model"):
        family, model, stepping = (cpuinfo(k) for k in ["cpu family", "model", "stepping"])
        name += f" (family {family}, model {model}, stepping {stepping})"
    return name


def slug():
    return re.sub(r"[^a-z0-9]+", "-", cpu().lower()).strip("-")


def memory():
    return f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB"


def first_line(text):
    return text.splitlines()[0] if text else ""


def cache():
    sizes = {
        level: output("getconf", name) for level, name in
        [("L1d", "LEVEL1_DCACHE_SIZE"), ("L2", "LEVEL2_CACHE_SIZE"), ("L3", "LEVEL3_CACHE_SIZE")]}
    return ", ".join(
        f"{level} {int(size) // 1024} KiB" for level, size in sizes.items() if size.isdigit())


def peers(folder):
    """Peers that are there, with their versions."""
    found = {}
    if folder and (folder / "llama.cpp/version").exists():
        found["llama.cpp"] = (folder / "llama.cpp/version").read_text().strip()
    if folder and (folder / "python/bin/python").exists():
        for line in output(folder / "python/bin/python", "-m", "pip", "freeze").splitlines():
            name, _, version = line.partition("==")
            if name in ["gguf", "numpy", "torch", "onnxruntime", "openvino"]:
                found[name] = version
    return found


def facts(root, peer_folder):
    """What stands in the page's first table."""
    versions = peers(peer_folder)
    missing = [name for name in ["llama.cpp", "gguf", "torch"] if name not in versions]
    return {
        "CPU": cpu(),
        "Cores": str(os.cpu_count()),
        "Caches": cache(),
        "Memory": memory(),
        "Kernel": f"{platform.system()} {re.match(r'[0-9.]*', platform.release()).group()}",
        "Swift": first_line(output("swift", "--version")),
        "Kerf": output("git", "-C", root, "describe", "--always", "--dirty"),
        "Peers": ", ".join(f"{name} {version}" for name, version in versions.items()) or "none",
        "Peers left out": ", ".join(missing) or "none",
    }
