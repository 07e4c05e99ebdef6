"""The tests under other processors' arithmetic, numbers of threads, Pythons and releases of torch, as a table.

    .venv/bin/python tools/matrix.py                                the nine settings below, `make test`'s tests
    .venv/bin/python tools/matrix.py --only 3 --only 7              some of them
    .venv/bin/python tools/matrix.py --tests plugins/recycle-smp    other arguments for pytest
    .venv/bin/python tools/matrix.py --python ../other/.venv/bin/python --only 9
                                                                    another environment that has the test tools

ONEDNN_MAX_CPU_ISA bounds the instructions of convolutions, ATEN_CPU_CAPABILITY those of everything else in torch. The
settings hold every pair of values of the two and of OMP_NUM_THREADS. What each run prints lies in `matrix/`.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from itertools import product
from pathlib import Path

ROOT = Path(__file__).parents[1]
ONEDNN = ("SSE41", "AVX2", None)
ATEN = ("default", "avx2", None)
THREADS = ("1", "2", "4")
SETTINGS = [
    {
        "ONEDNN_MAX_CPU_ISA": ONEDNN[one],
        "ATEN_CPU_CAPABILITY": ATEN[two],
        "OMP_NUM_THREADS": THREADS[(one + two) % 3],
    }
    for one, two in product(range(3), repeat=2)
]  # a Latin square; the last is the machine as it is, with two threads
VERSIONS = "import sys, torch; print('.'.join(map(str, sys.version_info[:3])), torch.__version__.partition('+')[0])"


def main() -> None:
    """Run the tests under each setting; print a row as soon as it is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--python", default=sys.executable, help="an interpreter with the test tools")
    parser.add_argument("--only", type=int, action="append", help=f"number of a setting, 1 to {len(SETTINGS)}")
    parser.add_argument("--tests", nargs=argparse.REMAINDER, default=["-m", "not slow"], help="arguments for pytest")
    asked = parser.parse_args()
    versions = subprocess.check_output([asked.python, "-c", VERSIONS], text=True).split()
    folder = ROOT / "matrix"
    folder.mkdir(exist_ok=True)
    print(f"{_processor()}\n\n| {' | '.join([*SETTINGS[0], 'Python', 'torch', 'result', 'seconds'])} |")
    print("|" + "---|" * (len(SETTINGS[0]) + 4), flush=True)
    failed = False
    for number in asked.only or range(1, len(SETTINGS) + 1):
        setting = SETTINGS[number - 1]
        environment = {key: value for key, value in {**os.environ, **setting}.items() if value is not None}
        log = folder / f"{number}-{'-'.join(versions)}.txt"
        began = time.monotonic()
        with log.open("w") as out:
            command = [asked.python, "-m", "pytest", "-rfE", "-n", "2", "--dist", "loadgroup", *asked.tests]
            code = subprocess.run(command, cwd=ROOT, env=environment, stdout=out, stderr=out).returncode
        failed |= code != 0
        said = log.read_text().strip().splitlines()
        result = re.sub(r" in .*", "", said[-1].strip("= ")) if said else f"exit code {code}"
        cells = [value or "unset" for value in setting.values()]
        print(f"| {' | '.join([*cells, *versions, result, f'{time.monotonic() - began:.0f}'])} |", flush=True)
        for line in said:
            if line.startswith(("FAILED", "ERROR")):
                print(f"  {line[:160]}", flush=True)
    sys.exit(failed)


def _processor() -> str:
    """The processor's name, and the instructions that decide how networks are computed."""
    text = Path("/proc/cpuinfo").read_text() if Path("/proc/cpuinfo").exists() else ""
    names, flags = (re.search(rf"(?m)^{key}\s*: (.+)$", text) for key in ("model name", "flags"))
    known = ("avx2", "avx512f", "avx512_bf16", "amx_bf16")
    has = [flag for flag in known if flags and flag in flags[1].split()]
    return f"{names[1] if names else 'an unknown processor'}: {', '.join(has) or 'no vector instructions known'}"


if __name__ == "__main__":
    main()
