#!/usr/bin/env python3
"""Compares cudnn4j with its peers in one interleaved run; bench/README.md tells how to use it.

Each peer is a process that stays, and is told over its standard input to do the same work so many
times: first ours, then theirs, then ours again, and so on. What is compared is the ratio of times
that were measured next to each other, so a machine that gets slower in between does no harm.
"""

import argparse
import contextlib
import datetime
import json
import os
import re
import selectors
import signal
import statistics
import subprocess
import sys
import time
from pathlib import Path

if sys.version_info < (3, 9):
    sys.exit("Python 3.9 is needed, %s is %d.%d" % (sys.executable, *sys.version_info[:2]))

import gpu
import report
from cases import AUTO, SETS, Cost, case

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
DEFAULT_THREADS = sorted({1, len(os.sched_getaffinity(0))})
GPU_STEP = 2e-6  # seconds for one dependent step of a GPU
TOLERANCE = {"FP32": 2e-3, "TF32": 2e-2, "FP16": 5e-2, "BF16": 1e-1, "FP64": 1e-6}
CURVE_TOLERANCE = 2e-2  # of the losses of a training, in which rounding grows
HEAP = "8g"  # the largest networks are filled and read through arrays of half a GiB
SETTLE_SECONDS = 0.02  # longer than an idle peer's threads go on spinning


class Skip(Exception):
    """A peer cannot do something, or has gone."""


class Peer:
    """A process that does work when it is told to."""

    def __init__(self, label, command, environment, log):
        self.label = label
        self.log = Path(log.name)
        self.log_start = self.log.stat().st_size
        self.process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env={**os.environ, **environment},
        )
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.process.stdout, selectors.EVENT_READ)
        self.pending = b""
        try:
            self.facts = self.answer(120)
        except Skip:
            self.stop()
            raise

    def answer(self, seconds):
        end = time.monotonic() + seconds
        while True:
            while b"\n" in self.pending:
                line, self.pending = self.pending.split(b"\n", 1)
                if line.startswith(b"= skip"):
                    raise Skip(line[7:].decode(errors="replace"))
                if line.startswith(b"= "):
                    return line[2:].decode(errors="replace")
            if not self.selector.select(max(0, end - time.monotonic())):
                self.stop()
                raise Skip(f"no answer in {seconds} s")
            data = os.read(self.process.stdout.fileno(), 65536)
            if not data:
                self.stop()
                raise Skip(self.ending())
            self.pending += data

    def ask(self, line, seconds=120):
        try:
            self.process.stdin.write(line.encode() + b"\n")
            self.process.stdin.flush()
        except OSError as e:
            self.stop()
            raise Skip(self.ending()) from e
        return self.answer(seconds)

    def ending(self):
        """Why the process is not there any more: what it said last."""
        said = self.log.read_bytes()[self.log_start :].decode(errors="replace").strip()
        last = said.splitlines()[-1].replace("|", "/") if said else f"exit status {self.process.poll()}"
        return f"the process has ended: {last[:200]}"

    def run(self, times):
        """Seconds for each of so many times."""
        return int(self.ask(f"run {times}").split()[1]) * 1e-9 / times

    @property
    def alive(self):
        return self.process.poll() is None

    def stop(self):
        if self.alive:
            self.process.kill()
        self.process.wait()


class Peers:
    """The processes of one number of threads, started when they are first needed."""

    def __init__(self, options, threads, log):
        self.options, self.threads, self.log = options, threads, log
        self.running = {}
        self.refused = {}
        self.facts = {}
        self.loaded = {}

    def get(self, label):
        if label in self.refused:
            raise Skip(self.refused[label])
        peer = self.running.get(label)
        if peer is None or not peer.alive:
            try:
                peer = Peer(label, *self.command(label.split("#")[0]), self.log)
            except (Skip, OSError) as e:
                self.refused[label] = str(e)
                raise Skip(str(e)) from e
            self.running[label] = peer
            self.facts[label.split("#")[0]] = peer.facts + self.loaded.get(label, "")
        return peer

    def command(self, name):
        o = self.options
        threads = str(self.threads)
        host = o.device == "host"
        if name in ("ours", "ours-graph"):
            command = [o.java, "--enable-native-access=ALL-UNNAMED", "-Xshare:auto"]
            command += [f"-Xmx{HEAP}", f"-Dcudnn4j.device={o.device}"]
            command += [f"-Dcudnn4j.algorithms.path={o.work / 'algorithms.json'}"]  # not the user's
            if host:
                command += [f"-Dcudnn4j.host.path={o.host_path}"]
            command += ["-cp", o.classpath, "io.github.cudnn4j.bench.Peer"]
            environment = {} if host else gpu.same_libraries(o.python)
            return command + name.split("-")[1:], {"CUDNN4J_THREADS": threads, **environment}
        if name in ("torch", "torch-graph", "torch-compile"):
            mode = name.split("-")[1] if "-" in name else "eager"
            if mode == "graph" and host:
                raise Skip("graphs are CUDA's")
            command = [o.python, str(HERE / "torch_peer.py"), mode, "cpu" if host else "cuda"]
            return command, {"OMP_NUM_THREADS": threads}
        if name in ("djl", "onnx"):
            if not host:
                raise Skip("compared on a CPU")
            jars = os.pathsep.join(map(str, sorted(o.jars.glob("*.jar"))))
            if not jars:
                raise Skip("not fetched: mvn -Pbench dependency:copy@fetch-peers")
            command = [o.java, "--enable-native-access=ALL-UNNAMED", "-Dai.djl.offline=true"]
            command += ["-Dcudnn4j.device=host", f"-Dcudnn4j.host.path={o.host_path}", "-cp"]
            command += [jars + os.pathsep + o.classpath, str(HERE / f"{name.capitalize()}Peer.java")]
            untracked = {"OPT_OUT_TRACKING": "true", "ORT_DISABLE_TELEMETRY": "1"}
            return command, {"OMP_NUM_THREADS": threads} | untracked
        if name == "c":
            try:
                files = [f"{o.host_path}/libcudnn4j_host.so"] if host else gpu.libraries(o.python)
            except gpu.NotFound as e:
                raise Skip(str(e)) from e
            # Of a folder the end: enough to tell a wheel's library from the system's.
            ends = ["/".join(Path(file).parts[-3:]) for file in files]
            self.loaded[name] = ", " + ("the host device" if host else ", ".join(ends))
            return [compiled_c_peer(o), *files], {"CUDNN4J_THREADS": threads}
        raise Skip(f"there is no peer {name}")

    def stop(self):
        for peer in self.running.values():
            peer.stop()


def compiled_c_peer(options):
    if options.c_program:
        return str(options.c_program)
    program = options.work / "cudnn_peer"
    source = HERE / "cudnn_peer.c"
    if not program.exists() or program.stat().st_mtime < source.stat().st_mtime:
        folders = [Path(f) for f in options.include]
        folders += [Path(os.environ.get("CUDA_PATH", "/usr/local/cuda")) / "include"]
        folders += [f / "include" for f in gpu.packages(options.python)]
        if not any((f / "cudnn.h").exists() for f in [*folders, Path("/usr/include")]):
            raise Skip("cudnn.h is not found; --include FOLDER names its folder")
        command = ["cc", "-O2", *(f"-I{f}" for f in folders if f.exists())]
        compile_c([*command, "-o", str(program), str(source), "-ldl", "-lm"])
    return str(program)


def compile_c(command):
    Path(command[command.index("-o") + 1]).parent.mkdir(parents=True, exist_ok=True)
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as e:
        raise Skip(f"no C compiler: {e}") from e
    if done.returncode != 0:
        raise Skip("cc: " + next((x for x in done.stderr.splitlines() if "error" in x), ""))


class Neighbour:
    """A process that keeps one processor busy, while it is wanted."""

    def __init__(self):
        self.process = None

    def __enter__(self):
        if self.process is None:
            self.process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
        self.process.send_signal(signal.SIGCONT)

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGSTOP)

    def stop(self):
        if self.process is not None:
            self.process.kill()
            self.process.wait()


def block(entry, peer, times, neighbour):
    """Some runs that wake up the machine, which may take milliseconds, then those that count."""
    time.sleep(SETTLE_SECONDS)
    with neighbour if entry.busy else contextlib.nullcontext():
        peer.run(max(1, times // 4))
        return peer.run(times)


def differs(name, ours, theirs):
    """What the two sides computed, if that is not the same."""
    precision = next((p for p in TOLERANCE if p in name.split("_")), "FP32")
    for key in ours.keys() & theirs.keys():
        tolerance = CURVE_TOLERANCE if key.startswith("curve") else TOLERANCE[precision]
        if not abs(ours[key] - theirs[key]) <= tolerance * abs(ours[key]):  # or NaN
            return f"{key} is {theirs[key]:.6g}, ours {ours[key]:.6g}"
    return None


def plain(name):
    """A network's name without the word that leaves the algorithm open."""
    return name.replace(AUTO, "")


def measure(work, peers, options, neighbour):
    """Runs one case; the samples of each entry, or why there are none."""
    results = []
    first = None
    for entry in work.entries:
        result = {"peer": entry.label, "kind": entry.kind, "name": entry.name, "samples": []}
        results.append(result)
        try:
            peer = peers.get(entry.peer)
            peer.ask(f"open {entry.kind} {entry.name}")
            checks = dict(pair.split("=") for pair in peer.ask("check", 300).split() if "=" in pair)
            result["check"] = {key: float(value) for key, value in checks.items()}
            first = first or result
            if plain(entry.name) == plain(first["name"]):
                result["differs"] = differs(entry.name, first["check"], result["check"])
            seconds = min(block(entry, peer, 1, neighbour) for _ in range(2))
            times = max(1, int(options.seconds / options.rounds / seconds))
            result["times"] = times
            # The compilers of Java and of torch.compile want some runs before the first that counts.
            seconds = block(entry, peer, times, neighbour)
            result["rounds"] = max(3, int(3 * options.seconds / seconds / times))
        except Skip as e:
            result["skipped"] = str(e)
    going = [(e, r) for e, r in zip(work.entries, results) if "rounds" in r]
    rounds = min((r.pop("rounds") for _, r in going), default=0)
    rounds = min(rounds, options.rounds)
    for number in range(rounds):
        turn = number % len(going)
        for entry, result in going[turn:] + going[:turn]:
            if "skipped" in result:
                continue
            try:
                result["samples"].append(
                    block(entry, peers.get(entry.peer), result["times"], neighbour)
                )
            except Skip as e:
                result["skipped"] = str(e)
                result["samples"] = []
    return results


def evaluate(work, results, peak):
    """Medians and, for all but the first entry, how many times as long as the first they took."""
    ours = results[0]["samples"]
    auto = next((r["samples"] for r in results if r["name"].endswith(AUTO)), None)
    for result in results:
        samples = result["samples"]
        cost = Cost(result["kind"], result["name"])
        result["flops"], result["bytes"], result["rows"] = cost.flops, cost.bytes, cost.rows
        if not samples:
            continue
        result["median"] = statistics.median(samples)
        result["quartiles"] = report.quartiles(samples)
        if peak and peak(cost.precision)[0]:
            result["floor"] = cost.floor(peak(cost.precision))
        if result is not results[0] and ours:
            ratios = [theirs / mine for theirs, mine in zip(samples, ours)]
            result["ratio"] = statistics.median(ratios)
            result["ratio_quartiles"] = report.quartiles(ratios)
            if auto and not result["peer"].startswith("ours"):
                ratios = [theirs / mine for theirs, mine in zip(samples, auto)]
                result["auto_ratio"] = statistics.median(ratios)


def find_peak(options, threads, device):
    """What the machine can do: a function from the precision to FLOP/s, bytes/s, seconds a step."""
    if options.device == "cuda":
        known = gpu.peaks(device)
        if "bytes" not in known:
            print(f"no peak is known of {device}", file=sys.stderr)
            return None
        return lambda precision: (known.get(precision), known["bytes"], GPU_STEP)
    program = options.work / "peak"
    try:
        source = str(HERE / "peak.c")
        compile_c(["cc", "-O3", "-march=native", "-o", str(program), source, "-lpthread"])
        done = subprocess.run([str(program), str(threads)], capture_output=True, text=True)
        gflops, gbytes = map(float, done.stdout.split())
    except (Skip, ValueError) as e:
        print(f"no peak: {e}", file=sys.stderr)
        return None
    return lambda precision: (gflops * 1e9 / (2 if precision == "FP64" else 1), gbytes * 1e9, 0)


def machine(options):
    facts = {"processors": len(os.sched_getaffinity(0))}
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            facts["cpu"] = line.split(":")[1].strip()
        if line.startswith("flags"):
            known = ("avx2", "avx512f", "amx_tile")
            facts["instructions"] = [x for x in known if x in line.split()]
            break
    if options.device == "cuda":
        query = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
        facts["driver"] = first_line(query)
    packed = HERE.parent / "version.txt"
    if packed.exists():
        facts["commit"] = packed.read_text().split(",")[0]
    else:
        facts["commit"] = first_line(["git", "-C", str(ROOT), "describe", "--always", "--dirty"])
    facts["date"] = datetime.date.today().isoformat()
    return facts


def first_line(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError:
        return "unknown"
    return (done.stdout.splitlines() or ["unknown"])[0]


def arguments():
    java_home = os.environ.get("JAVA_HOME")
    build = ROOT / "target"
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    p.add_argument("--set", default="host", help="comma-separated: " + ", ".join(SETS))
    p.add_argument("--case", action="append", help="KIND:NAME in place of a set, repeatable")
    p.add_argument("--suffix", default="", help="of every network's name, such as _FP16 or _AUTO")
    p.add_argument("--match", default="", help="regular expression: only cases that it finds")
    p.add_argument("--peers", help="only these, comma-separated; ours is always there")
    p.add_argument("--device", default="host", choices=("host", "cuda"))
    p.add_argument("--threads", help="on a CPU, comma-separated; default 1 and all processors")
    p.add_argument("--seconds", type=float, default=1.2, help="for each side of a case")
    p.add_argument("--rounds", type=int, default=9, help="in which the sides take turns")
    p.add_argument("--limit", type=float, default=1e9, help="seconds after which no case begins")
    p.add_argument("--out", type=Path, help="folder for results.json, table.md and chart.svg")
    p.add_argument("--python", default=sys.executable, help="that has PyTorch")
    p.add_argument("--java", default=f"{java_home}/bin/java" if java_home else "java")
    p.add_argument("--classpath", default=f"{build}/classes:{build}/test-classes")
    p.add_argument("--host-path", default=f"{build}/native", help="folder of the host device")
    p.add_argument("--jars", type=Path, default=build / "peer-jars", help="folder of peers in Java")
    p.add_argument("--work", type=Path, default=build / "peers", help="folder for programs, logs, choices")
    p.add_argument("--c-program", type=Path, help="cudnn_peer, compiled elsewhere")
    p.add_argument("--include", action="append", default=[], help="folder of NVIDIA's headers")
    return p.parse_args()


def check_java(options):
    command = [options.java, "-XshowSettings:properties", "-version"]
    try:
        shown = subprocess.run(command, capture_output=True, text=True).stderr
    except OSError as e:
        sys.exit(f"no Java: {e}; JAVA_HOME or --java names one")
    version = re.search(r"java.specification.version = (\d+)", shown)
    if version is None or int(version[1]) < 25:
        sys.exit(f"{options.java} is not a Java of version 25; JAVA_HOME or --java names one")


def chosen_cases(options):
    if options.case:
        peers = (options.peers or "torch").split(",")
        cases = [case("asked", *text.split(":"), peers) for text in options.case]
    else:
        cases = [work for name in options.set.split(",") for work in SETS[name]()]
    for entry in (entry for work in cases for entry in work.entries):
        if entry.kind in ("infer", "forward", "train"):
            entry.name += options.suffix
    if options.peers:
        kept = {"ours", "ours-graph", *options.peers.split(",")}
        for work in cases:
            work.entries = [entry for entry in work.entries if entry.peer.split("#")[0] in kept]
    return [work for work in cases if re.search(options.match, work.title)]


def compare(options, cases, facts, done):
    """Runs the cases on one number of threads after the other; `done` grows by each."""
    counts = [0]
    if options.device == "host":
        counts = [int(n) for n in options.threads.split(",")] if options.threads else DEFAULT_THREADS
    start = time.monotonic()
    neighbour = Neighbour()
    with open(options.work / "peers.log", "a") as log:
        for threads in counts:
            peers = Peers(options, threads, log)
            try:
                device = device_of(peers)
                if options.device == "cuda":
                    facts["machine"]["gpu"] = device
                peak = find_peak(options, threads, device)
                if peak:
                    facts["peak"][threads] = dict(zip(("flops", "bytes", "step"), peak("FP32")))
                for work in cases:
                    if time.monotonic() - start > options.limit:
                        print(f"left out, out of time: {work.title}", file=sys.stderr)
                        continue
                    if any(e.busy for e in work.entries) and threads < facts["machine"]["processors"]:
                        continue  # there would be room for the neighbour
                    results = measure(work, peers, options, neighbour)
                    evaluate(work, results, peak)
                    done.append({"group": work.group, "threads": threads, "entries": results})
                    print(report.line(done[-1]), file=sys.stderr, flush=True)
                    facts["peers"] |= peers.facts
                    facts["seconds"] = round(time.monotonic() - start)
                    write(options, facts, done)
            finally:
                peers.stop()
                neighbour.stop()
                neighbour = Neighbour()


def device_of(peers):
    """The name of the device that ours runs on."""
    try:
        return peers.get("ours").facts.rsplit(", Java", 1)[0]
    except Skip as e:
        sys.exit(f"cudnn4j does not start: {e}; {peers.log.name} tells more")


def wrong(result):
    """Whether an entry computed something else, or is ours and has not run."""
    return result.get("differs") or (result["peer"].startswith("ours") and not result["samples"])


def write(options, facts, done):
    """Writes what there is by now; returns the table."""
    targets = report.targets(done) if options.device == "host" else []
    summary = {**facts, "cases": done, "targets": targets}
    text = report.table(summary)
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        (options.out / "results.json").write_text(json.dumps(summary, indent=1) + "\n")
        (options.out / "table.md").write_text(text + "\n")
        (options.out / "chart.svg").write_text(report.chart(summary))
    return text


def main():
    # timeout(1) ends this program so; what has been measured is printed all the same.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    options = arguments()
    check_java(options)
    cases = chosen_cases(options)
    options.work.mkdir(parents=True, exist_ok=True)
    facts = {"machine": machine(options), "device": options.device, "peers": {}, "peak": {}}
    facts["seconds"] = 0
    done = []
    try:
        compare(options, cases, facts, done)
    finally:
        if done:
            print(write(options, facts, done), flush=True)
    if any(wrong(result) for work in done for result in work["entries"]):
        sys.exit("something differs, or ours did not run: the table tells what")


if __name__ == "__main__":
    main()
