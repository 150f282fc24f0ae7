"""The table of runs of cargo-mutants: how many of each file were caught, what killed each, and which live.

    mutants_table.py EXPLANATIONS RUN…

Of a mutant that several runs have judged, the last one counts. Fails if one lives that is not explained: a line of the
file of explanations is the mutant's name without its place in the file, ` => `, and why it may live. Fails, too, if a
run was killed before it had judged all of its mutants.
"""

import collections
import json
import pathlib
import re
import sys

explained, *runs = map(pathlib.Path, sys.argv[1:])


def named(mutant):
    """Without line and column: an explanation outlives a change above it."""
    return re.sub(r":\d+:\d+: ", ": ", mutant["name"])


def killed_by(log):
    failed = re.findall(r"^test (\S+) ... FAILED$", log.read_text(errors="replace"), re.M)
    if not failed:
        return "a crash of the tests"
    more = f" and {len(failed) - 1} more" if len(failed) > 1 else ""
    return f"`{failed[0]}`{more}"


explanations = dict(line.split(" => ", 1) for line in explained.read_text().splitlines() if " => " in line)

judged, not_judged = {}, 0
for run in runs:
    seen = collections.Counter()
    outcomes = json.loads((run / "outcomes.json").read_text())["outcomes"]
    outcomes = [outcome for outcome in outcomes if outcome["scenario"] != "Baseline"]
    not_judged += len(json.loads((run / "mutants.json").read_text())) - len(outcomes)
    for outcome in outcomes:
        if outcome["summary"] == "Unviable":
            # What does not compile is no mutant; a compiler that was killed has said nothing of it.
            log = (run / outcome["log_path"]).read_text(errors="replace")
            not_judged += "(signal: 9, SIGKILL" in log
            continue
        name = named(outcome["scenario"]["Mutant"])
        # Several may have the same name: they are told apart by their order in the file.
        judged[name, seen[name]] = (outcome["summary"], run / outcome["log_path"])
        seen[name] += 1

files = collections.defaultdict(collections.Counter)
rows, unexplained = [], 0
for (name, _), (summary, log) in sorted(judged.items()):
    lives = summary == "MissedMutant"
    files[name.split(": ", 1)[0]]["lives" if lives else "killed"] += 1
    if lives:
        unexplained += name not in explanations
        rows.append((name, f"lives: {explanations.get(name, '**not explained**')}"))
    elif summary == "Timeout":
        rows.append((name, "the tests do not come to an end"))
    else:
        rows.append((name, killed_by(log)))

print("| file | mutants | killed | live |\n| --- | ---: | ---: | ---: |")
total = collections.Counter()
for file, counts in sorted(files.items()):
    total += counts
    print(f"| {file} | {counts.total()} | {counts['killed']} | {counts['lives']} |")
share = 100 * total["killed"] / max(total.total(), 1)
print(f"| all | {total.total()} | {total['killed']} ({share:.1f} %) | {total['lives']} |")
print("\n| mutation | killed by |\n| --- | --- |")
for name, by in rows:
    print(f"| {name.replace('|', chr(92) + '|')} | {by} |")
if not_judged:
    print(f"{not_judged} mutants were not judged: the run was killed, begin it again", file=sys.stderr)
sys.exit(unexplained > 0 or not_judged > 0)
