"""What compare.py found, as a line, a table, a list of targets and a chart."""

import math
import statistics
from html import escape

COLOURS = {"torch": "#c2571a", "torch-graph": "#8a3b12", "torch-compile": "#e39a6f"}
COLOURS |= {"djl": "#3567a8", "onnx": "#7a4fa3", "c": "#4b8b3b", "ours-graph": "#777777"}
HEAD = "| what | threads | ours ms | spread | GFLOP/s | of the floor | peer | theirs ms | ratio | spread |"


def quartiles(samples):
    if len(samples) < 2:
        return [samples[0], samples[0]]
    cuts = statistics.quantiles(samples, n=4, method="inclusive")
    return [cuts[0], cuts[2]]


def spread(result, key, centre):
    low, high = result[key]
    return f"{low / centre - 1:+.0%} {high / centre - 1:+.0%}"


def title(case):
    first = case["entries"][0]
    return f"{first['kind']} {first['name']}"


def count(threads):
    return f", {threads} thread{'s' if threads > 1 else ''}" if threads else ""


def line(case):
    """One line about one case, for whoever waits."""
    parts = [title(case) + count(case["threads"]) + ":"]
    for result in case["entries"]:
        if "median" not in result:
            parts.append(f"{result['peer']}: {result.get('skipped', 'nothing')}")
            continue
        text = f"{result['peer']} {result['median'] * 1e3:.4g} ms"
        if "ratio" in result:
            text += f" ({result['ratio']:.2f}x)"
        if result.get("differs"):
            text += " DIFFERS: " + result["differs"]
        parts.append(text)
    return "  ".join(parts)


def table(summary):
    machine = summary["machine"]
    facts = [
        f"{machine.get('gpu') or machine.get('cpu', 'processor unknown')}, "
        f"{'driver ' + machine['driver'] + ', ' if 'driver' in machine else ''}"
        f"{machine['processors']} processors, {', '.join(machine.get('instructions', []))}; "
        f"{machine['date']}, commit {machine['commit']}, {summary['seconds']} s."
    ]
    facts += [f"- {name}: {text}" for name, text in summary["peers"].items()]
    for threads, peak in summary["peak"].items():
        limits = f"{peak['flops'] / 1e9:.0f} GFLOP/s, {peak['bytes'] / 1e9:.0f} GB/s"
        facts.append(f"- at best{count(threads)}: {limits}")
    lines = [*facts, "", "The ratio is their time divided by ours, the median over the rounds.", ""]
    lines += [HEAD, "|" + "---|" * HEAD.count(" |")]
    lines += [row for case in summary["cases"] for row in rows(case)]
    lines += ["", *means(summary["cases"])]
    if summary["targets"]:
        lines += ["", "| figure | threads | measured | to reach | |", "|---|---|---|---|---|"]
        for t in summary["targets"]:
            sign = ">=" if t["least"] else "<="
            verdict = "reached" if t["reached"] else "**missed**"
            lines.append(
                f"| {t['what']} | {t['threads']} | {t['value']:.2f} | {sign} {t['goal']} | {verdict} |"
            )
    return "\n".join(lines)


def means(cases):
    """By peer and kind of work: geometric mean and least of the ratios where the results agree."""
    lines = ["| peer | what | cases | differ | mean | least | to AUTO, mean | least |"]
    lines += ["|" + "---|" * 8]
    found = {}
    for case in cases:
        for other in case["entries"][1:]:
            if "ratio" in other:
                found.setdefault((other["peer"], other["kind"]), []).append(other)
    for (peer, kind), entries in sorted(found.items()):
        agree = [e for e in entries if not e.get("differs")]
        cells = [peer, kind, str(len(agree)), str(len(entries) - len(agree))]
        for key in ("ratio", "auto_ratio"):
            values = [e[key] for e in agree if key in e]
            both = (statistics.geometric_mean(values), min(values)) if values else ()
            cells += [f"{value:.2f}" for value in both] or ["", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return lines


def rows(case):
    first = case["entries"][0]
    if "median" not in first:
        return [f"| {title(case)} | {case['threads']} | {first.get('skipped')} | | | | | | | |"]
    median = first["median"]
    floor = f"{first['floor'] / median:.0%}" if "floor" in first else ""
    start = (
        f"| {title(case)} | {case['threads'] or ''} | {median * 1e3:.4g} "
        f"| {spread(first, 'quartiles', median)} | {first['flops'] / median / 1e9:.4g} | {floor} "
    )
    result = []
    for other in case["entries"][1:]:
        name = other["peer"]
        if (other["kind"], other["name"]) != (first["kind"], first["name"]):
            name += f" {other['name']}"
        if "ratio" in other:
            ratio = f"{other['ratio']:.2f} | {spread(other, 'ratio_quartiles', other['ratio'])}"
            note = f" (differs: {other['differs']})" if other.get("differs") else ""
            result.append(f"{start}| {name}{note} | {other['median'] * 1e3:.4g} | {ratio} |")
        else:
            result.append(f"{start}| {name} | {other.get('skipped', '')} | | |")
        start = "| | | | | | "
    return result or [start + "| | | | |"]


def ratios(cases, group, peer, threads, has=""):
    """The ratios of the cases of a group whose name contains something."""
    found = []
    for case in cases:
        if case["group"] != group or case["threads"] != threads or has not in title(case):
            continue
        found += [r["ratio"] for r in case["entries"] if r["peer"] == peer and "ratio" in r]
    return found


def targets(cases):
    """The figures that are to be reached on a processor, as far as they were measured."""
    found = []

    def add(what, threads, values, goal, combine=min, least=True):
        if values:
            value = combine(values)
            reached = value >= goal if least else value <= goal
            entry = {"what": what, "threads": threads, "value": value, "goal": goal}
            found.append({**entry, "least": least, "reached": reached})

    mean = statistics.geometric_mean
    for threads in sorted({case["threads"] for case in cases}):

        def of(group, peer="torch", has="", threads=threads):
            return ratios(cases, group, peer, threads, has)

        lstm, gru, vanilla = of("lstm"), of("gru"), of("vanilla")
        add("LSTM, forward and backward, geometric mean", threads, lstm, 1.2, mean)
        add("LSTM, the worst", threads, lstm, 1.0)
        add("LSTM H32 B1024", threads, of("lstm", has="B1024"), 2.0)
        add("GRU 28→256", threads, of("gru", has="28_256"), 2.0)
        add("GRU 256→256", threads, of("gru", has="256_256"), 2.0)
        add("vanilla 28→256, the worst", threads, of("vanilla", has="28_256"), 1.7)
        add("vanilla 256→256", threads, of("vanilla", has="256_256"), 1.7)
        add("GRU and vanilla, the worst", threads, gru + vanilla + of("short"), 1.05)
        add("whole step, vanilla", threads, of("step", has="sgd TANH"), 1.5)
        add("whole step, GRU", threads, of("step", has="sgd GRU"), 2.5)
        add("whole step, LSTM", threads, of("step", has="sgd LSTM"), 1.3)
        add("tiny whole step", threads, of("tiny"), 10)
        djl = [r for g in ("lstm", "gru", "vanilla", "short", "infer", "step") for r in of(g, "djl")]
        add("DJL, geometric mean", threads, djl, 1.5, mean)
        add("DJL, the worst", threads, djl, 1.2)
        onnx = [r for g in ("infer", "layers", "stream") for r in of(g, "onnx")]
        add("ONNX Runtime, geometric mean", threads, onnx, 1.5, mean)
        add("ONNX Runtime, the worst", threads, onnx, 1.1)
        add("varying lengths, packed", threads, throughput(cases, threads, "_VAR"), 0.9)
        add("varying lengths, padded", threads, throughput(cases, threads, "_ROWS"), 0.9)
        add("classifier of rows of any lengths", threads, of("classify"), 2.0)
        add("encoder and decoder with attention", threads, of("translate"), 1.5)
        add("beside a busy core", threads, of("busy", "ours#2 (busy core)"), 2.5, max, least=False)
    return found


def throughput(cases, threads, has):
    """Real tokens per second of varying lengths, divided by those of equal lengths."""
    found = []
    for case in cases:
        first = case["entries"][0]
        if case["group"] == "varying" and case["threads"] == threads and has in title(case):
            for other in case["entries"]:
                if other["peer"] == "ours#2" and "ratio" in other:
                    found.append(other["ratio"] * first["rows"] / other["rows"])
    return found


def chart(summary):
    """Bars of the ratios, on a logarithmic scale."""
    bars = []
    for case in summary["cases"]:
        if case["group"] in ("varying", "busy"):
            continue
        for result in case["entries"][1:]:
            if "ratio" in result:
                bars.append((title(case), case["threads"], result))
    names = sorted({result["peer"] for _, _, result in bars})
    high = 12.0  # a bar beyond is cut off; its number tells
    low = min([0.5, *(r["ratio"] for _, _, r in bars)])
    left, width, height, top, gap = 300, 560, 14, 50, 6

    def x(ratio):
        ratio = min(ratio, high)
        return left + width * math.log(ratio / low) / math.log(high / low)

    labels = [what + count(threads) for what, threads, _ in bars]
    bottom = top + height * len(bars) + gap * len(dict.fromkeys(labels))
    out = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + width + 60}" '
        f'height="{bottom + 30}" font-family="sans-serif" font-size="10">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<text x="10" y="16" font-size="13">Their time divided by ours: {escape(machine(summary))}</text>',
    ]
    for i, name in enumerate(names):
        colour = COLOURS.get(name, "#999999")
        out.append(f'<rect x="{left + 110 * i}" y="24" width="10" height="10" fill="{colour}"/>')
        out.append(f'<text x="{left + 110 * i + 14}" y="33">{escape(name)}</text>')
    for tick in (0.5, 0.75, 1, 1.5, 2, 3, 5, 10):
        if low <= tick <= high:
            colour = "#000000" if tick == 1 else "#dddddd"
            out.append(
                f'<line x1="{x(tick):.1f}" x2="{x(tick):.1f}" y1="{top - 6}" y2="{bottom}" '
                f'stroke="{colour}"/>'
            )
            out.append(f'<text x="{x(tick):.1f}" y="{bottom + 14}" text-anchor="middle">{tick}×</text>')
    previous = None
    y = top - height
    for label, (_, _, result) in zip(labels, bars):
        y += height
        if label != previous:
            y += gap
            out.append(f'<text x="{left - 6}" y="{y + 10}" text-anchor="end">{escape(label)}</text>')
            previous = label
        start, end = sorted((x(1), x(result["ratio"])))
        colour = COLOURS.get(result["peer"], "#999999")
        out.append(
            f'<rect x="{start:.1f}" y="{y + 2}" width="{end - start:.1f}" height="{height - 4}" '
            f'fill="{colour}"/>'
        )
        out.append(f'<text x="{end + 4:.1f}" y="{y + 10}">{result["ratio"]:.2f}</text>')
    return "\n".join([*out, "</svg>\n"])


def machine(summary):
    facts = summary["machine"]
    return f"{facts.get('gpu') or facts.get('cpu', '')}, {facts['date']}"
