"""The table of a run of cargo-mutants: how many of each file were caught, what killed each, and which live.

Fails if one lives that is not explained: a line of the file of explanations is the mutant's name without its place in
the file, ` => `, and why it may live.
"""

import collections
import json
import pathlib
import re
import sys

out, explained = map(pathlib.Path, sys.argv[1:3])


def named(mutant):
    """Without line and column: an explanation outlives a change above it."""
    return re.sub(r":\d+:\d+: ", ": ", mutant["name"])


def killed_by(log):
    text = (out / log).read_text(errors="replace")
    failed = re.findall(r"^test (\S+) ... FAILED$", text, re.M)
    if not failed:
        return "a crash of the tests"
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"`{failed[0]}`{more}"


explanations = {}
for line in explained.read_text().splitlines():
    if " => " in line:
        name, why = line.split(" => ", 1)
        explanations[name] = why

files = collections.defaultdict(collections.Counter)
rows, living = [], []
for outcome in json.loads((out / "outcomes.json").read_text())["outcomes"]:
    if outcome["scenario"] == "Baseline":
        continue
    mutant, summary = outcome["scenario"]["Mutant"], outcome["summary"]
    name = named(mutant)
    if summary == "Unviable":
        continue
    files[mutant["file"]][summary] += 1
    if summary == "CaughtMutant":
        rows.append((name, killed_by(outcome["log_path"])))
    elif summary == "Timeout":
        rows.append((name, "the tests, which do not come to an end"))
    else:
        rows.append((name, f"lives: {explanations.get(name, '**not explained**')}"))
        living.append(name)

print("| file | mutants | killed |\n| --- | --- | --- |")
for file, counts in sorted(files.items()):
    total = sum(counts.values())
    print(f"| {file} | {total} | {total - counts['MissedMutant']} |")
total = sum(sum(counts.values()) for counts in files.values())
killed = total - len(living)
print(f"| all | {total} | {killed} ({100 * killed / max(total, 1):.1f} %) |")
print("\n| mutation | killed by |\n| --- | --- |")
for name, by in rows:
    print(f"| {name.replace('|', chr(92) + '|')} | {by} |")
sys.exit(any(name not in explanations for name in living))
