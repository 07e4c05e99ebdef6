"""How long OpenMP's threads spin: said before torch is loaded, unless the user has said it."""

import os
import subprocess
import sys

import pytest

CODE = "import sys, os, recycle_engine; print('torch' in sys.modules, os.environ.get('GOMP_SPINCOUNT'))"


@pytest.mark.parametrize(
    ("own", "expected"),
    [({}, "False 1000"), ({"GOMP_SPINCOUNT": "7"}, "False 7"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "False None")],
)
def test_threads_spin_briefly_unless_the_user_says_otherwise(own, expected):
    names = ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")
    env = {name: value for name, value in os.environ.items() if name not in names} | own
    done = subprocess.run([sys.executable, "-c", CODE], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == expected
