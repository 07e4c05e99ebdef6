"""Which tricks to keep: every inference trick, the search of its options, ensembles and soups, under the gate.

    OMP_NUM_THREADS=2 python benchmarks/tricks.py ../shared/data --runs /tmp/tricks [--task camvid]

Three runs for each task of our recipe, as benchmarks/quality.py trains them (its `final` runs are used where
they are there): CamVid, judged on its 101 validation photos; and recycle-trash-pseudo, judged on the 41
photos of recycle-trash, whose labels are people's. Then
`recycle ablate` on the run of seed 0, with densecrf's options searched, and the runs together as it finds them;
and what it leaves out: each other seed alone, a mean with a view, and a soup of runs that began apart.
"""

import argparse
from pathlib import Path

from quality import CHOSEN, judged, run
from recycle_engine import api


def row(name, answer, one):
    difference = one.difference
    bounds = f"[{difference.low:+.4f}, {difference.high:+.4f}]"
    return f"| {name} | {one.score:.4f} | {difference.value:+.4f} | {bounds} | {difference.q:.3f} | {answer} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--runs", type=Path, required=True)
    parser.add_argument("--task", choices=("camvid", "trash"), action="append")
    arguments = parser.parse_args()
    for task in arguments.task or ("camvid", "trash"):
        runs = [
            run(task, arguments.data.absolute(), arguments.runs, "all", "ours", CHOSEN[task][0], {}, seed)
            for seed in (0, 1, 2)
        ]
        source = judged(task, arguments.data.absolute(), arguments.runs, "all")
        found = api.ablate(runs[0], source, search=["densecrf"], force=True, how=f"{task}, {len(source)}")
        print(f"\n{task}, {found.photos} photos, bare {found.choice.base.value:.4f}\n")
        print("| trick | mIoU | difference | 95 % interval | q | answer |\n|---|---|---|---|---|---|")
        for trick in sorted(found.tricks, key=lambda trick: -trick.comparison.difference.value):
            print(row(trick.name, trick.answer, trick.comparison))
        fair = found.choice.cross_fitted
        print(f"\nchosen: {found.pipeline}; cross-fitted {fair.value:.4f} [{fair.low:.4f}, {fair.high:.4f}]\n")
        plain = [f"{each}+plain" for each in runs]
        named = {"seed 0": api.count(plain[0], source), "seed 1": api.count(plain[1], source)}
        named["seed 2"] = api.count(plain[2], source)
        named["mean of the three, each with hflip"] = api.count_together([f"{each}+hflip" for each in runs], source)
        soup = arguments.runs / f"{task}-soup"
        if not soup.is_dir():
            api.soup(runs, soup.name, runs=arguments.runs)
        named["soup of the three"] = api.count(f"{soup}+plain", source)
        print(f"against the run of seed 0 ({task}):\n")
        print("| models | mIoU | difference | 95 % interval | q | verdict |\n|---|---|---|---|---|---|")
        for trick in found.together:
            print(row(trick.name, trick.comparison.difference.verdict, trick.comparison))
        for one in api.compare(named):
            print(row(one.name, one.difference.verdict, one))


if __name__ == "__main__":
    main()
