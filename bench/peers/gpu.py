"""Where NVIDIA's libraries and headers are on this machine, and what its GPUs can do at best."""

import os
import re
import subprocess
from functools import cache
from pathlib import Path

HERE = Path(__file__).resolve().parent
# The table of the command line; beside this file where that has been packed without its sources.
TABLE = "peaks.tsv"
PEAKS = (HERE / TABLE, HERE.parent.parent / "src/main/resources/io/github/cudnn4j/cli" / TABLE)
SUFFIX = re.compile(r"([ -](SXM\d|PCIE|PCIe|\d+GB|HBM\w+))*")
MAJORS = ("13", "12")
CUDA = ("libcudart.so", "libcublasLt.so", "libcublas.so")
CUDNN = "libcudnn.so.9"

ASK_PYTHON = """
import importlib.util, sysconfig
for name in ("nvidia", "torch"):
    spec = importlib.util.find_spec(name)
    for place in (spec and spec.submodule_search_locations) or ():
        print(place)
print(sysconfig.get_path("purelib") + "/nvidia")
"""


class NotFound(Exception):
    """A library is nowhere."""


@cache
def packages(python):
    """The folders of the wheels that PyTorch depends on, and PyTorch's own."""
    try:
        asked = subprocess.run([python, "-c", ASK_PYTHON], capture_output=True, text=True)
    except OSError:
        return ()
    found = []
    for place in dict.fromkeys(map(Path, asked.stdout.split("\n"))):
        if place.name and place.is_dir():
            found += [place] if place.name == "torch" else sorted(place.glob("*/"))
    return tuple(found)


def wheels(python):
    """The folders of libraries in the wheels, as a variable lists them."""
    return os.pathsep.join(str(p / "lib") for p in packages(python) if (p / "lib").is_dir())


def same_libraries(python):
    """Variables by which cudnn4j finds the libraries that `libraries` finds in the wheels."""
    names = ("CUDNN4J_CUDA_PATH", "CUDNN4J_CUDNN_PATH")
    found = wheels(python)
    return {name: found for name in names if found and name not in os.environ}


def folders_of(variables):
    """The folders that variables name, and where libraries are in an installation."""
    entries = [e for v in variables for e in os.environ.get(v, "").split(os.pathsep) if e]
    return [Path(entry) / below for entry in entries for below in ("", "lib64", "lib")]


def known_to_loader():
    """The files that the dynamic loader has in its cache, by name."""
    found = {}
    for command in ("ldconfig", "/sbin/ldconfig"):
        try:
            listed = subprocess.run([command, "-p"], capture_output=True, text=True).stdout
        except OSError:
            continue
        for name, path in re.findall(r"^\s*(\S+) \(.*x86-64.*\) => (\S+)", listed, re.MULTILINE):
            found.setdefault(name, path)
        break
    return found


def libraries(python):
    """Files of the CUDA runtime, cuBLAS and cuDNN, which fit each other, in the order to open them.

    PyTorch's come first, so that all compared sides use the same.
    """
    places = folders_of(["CUDNN4J_CUDA_PATH", "CUDNN4J_CUDNN_PATH"])
    places += [package / "lib" for package in packages(python)]
    places += folders_of(["CUDA_HOME", "CUDA_PATH", "CUDNN_HOME", "CUDNN_PATH", "LD_LIBRARY_PATH"])
    places += [t / "lib64" for t in sorted(Path("/usr/local").glob("cuda*"))]
    places += [Path(f) for f in ("/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib")]
    loader = known_to_loader()

    def find(name):
        return next((str(p / name) for p in places if (p / name).is_file()), loader.get(name))

    def place_of(major):
        return next((i for i, p in enumerate(places) if (p / f"{CUDA[0]}.{major}").is_file()), 1e9)

    for major in sorted(MAJORS, key=place_of):
        files = [find(f"{name}.{major}") for name in CUDA] + [find(CUDNN)]
        if all(files):
            # cuDNN opens it when it compiles for a network, and would look only where it is itself.
            nvrtc = find(f"libnvrtc.so.{major}")
            return [*([nvrtc] if nvrtc else []), *files]
    names = ", ".join(f"{name}.{'|'.join(MAJORS)}" for name in CUDA)
    missing = CUDNN if not find(CUDNN) else names
    raise NotFound(f"{missing} not found in wheels of {python}, LD_LIBRARY_PATH, toolkits, ldconfig -p")


def peaks(name):
    """By precision the FLOP/s of a GPU, and under "bytes" its bytes/s; empty if it is not known."""
    table = next((path for path in PEAKS if path.exists()), None)
    head = []
    for line in table.read_text().splitlines() if table else []:
        cells = line.removeprefix("# ").split("\t")
        if line.startswith("#"):
            head = cells
        elif name.startswith(cells[0]) and SUFFIX.fullmatch(name[len(cells[0]) :]):
            units = {"GB/s": ("bytes", 1e9)}
            found = {}
            for column, cell in list(zip(head, cells))[1:-1]:
                key, unit = units.get(column, (column, 1e12))
                if cell != "-":
                    found[key] = float(cell) * unit
            return found
    return {}
