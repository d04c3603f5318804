#!/usr/bin/env python3
"""Measures what it costs to train as two ranks, and their all-reduce against MPI's.

Each rank has a core of its own. Both sides of a ratio take turns. Prints Markdown.
"""

import argparse
import os
import pathlib
import secrets
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]


def free_port():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def ours(cores, *arguments):
    """Runs RankBench as a rank on each core; returns the numbers of rank 0's lines."""
    java = pathlib.Path(os.environ.get("JAVA_HOME", "/usr")) / "bin/java"
    command = [
        java, "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED",
        f"-Dcudnn4j.host.path={ROOT}/target/native", "-Dcudnn4j.device=host",
        "-cp", f"{ROOT}/target/classes{os.pathsep}{ROOT}/target/test-classes",
        "io.github.cudnn4j.bench.RankBench", *arguments]
    common = {"WORLD_SIZE": str(len(cores)), "MASTER_ADDR": "127.0.0.1",
              "MASTER_PORT": str(free_port()), "CUDNN4J_TOKEN": secrets.token_hex(16)}
    ranks = [
        subprocess.Popen(["taskset", "-c", core, *command], text=True, stdout=subprocess.PIPE,
                         env={**os.environ, **common, "RANK": str(rank)})
        for rank, core in enumerate(cores)]
    output = [rank.communicate()[0] for rank in ranks]
    if any(rank.returncode for rank in ranks):
        sys.exit("a rank has failed")
    return numbers(output[0])


def numbers(text):
    return [[float(number) for number in line.split()] for line in text.splitlines()]


def mpi(program, options, cores):
    command = [options.mpirun, *options.mpi_options.split(), "-np", str(len(cores)), program]
    return numbers(subprocess.run(command, text=True, stdout=subprocess.PIPE, check=True).stdout)


def medians(runs):
    """The median time of each size."""
    return {row[0][0]: statistics.median(each[1] for each in row) for row in zip(*runs)}


def bandwidth(size, micros):
    return f"{size / micros / 1000:.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cores", default="0,1", help="one for each rank (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=15, help="of steps (default: %(default)s)")
    parser.add_argument("--turns", type=int, default=5, help="of reductions (default: %(default)s)")
    parser.add_argument("--mpirun", default="mpirun")
    parser.add_argument("--mpicc", default="mpicc")
    parser.add_argument("--mpi-options", default="--allow-run-as-root --bind-to core",
                        help="of mpirun (default: %(default)s)")
    options = parser.parse_args()
    cores = options.cores.split(",")

    rounds = ours(cores, "step", str(options.rounds))
    quarters = statistics.quantiles((alone / together for alone, together in rounds), n=4)
    alone = statistics.median(each[0] for each in rounds) / 40e6
    print(f"Efficiency of {len(cores)} ranks: {quarters[1]:.3f} ({quarters[0]:.3f} to "
          f"{quarters[2]:.3f}); a step alone takes {alone:.2f} ms\n")

    with tempfile.TemporaryDirectory() as folder:
        program = f"{folder}/allreduce"
        has_mpi = shutil.which(options.mpicc) and shutil.which(options.mpirun)
        if has_mpi:
            source = ROOT / "bench/peers/allreduce.c"
            subprocess.run([options.mpicc, "-O2", "-o", program, source], check=True)
        mine, theirs = [], []
        for _ in range(options.turns):
            mine.append(ours(cores, "reduce"))
            if has_mpi:
                theirs.append(mpi(program, options, cores))
    if not has_mpi:
        print(f"MPI is left out: no {options.mpicc} or {options.mpirun}\n")
    print("| bytes | ours, µs | ours, GB/s | MPI, µs | MPI, GB/s | MPI's time by ours |")
    print("|---|---|---|---|---|---|")
    peers = medians(theirs)
    for size, micros in medians(mine).items():
        row = [f"{size:,.0f}", f"{micros:.1f}", bandwidth(size, micros)]
        if size in peers:
            row += [f"{peers[size]:.1f}", bandwidth(size, peers[size]),
                    f"{peers[size] / micros:.2f}"]
        print("| " + " | ".join(row + [""] * (6 - len(row))) + " |")


if __name__ == "__main__":
    main()
