import pytest

from recyclecli.cluster import by_srun, forget_ranks, launched

ALLOCATION = {"SLURM_JOB_ID": "7", "SLURM_NTASKS": "4", "SLURM_NNODES": "2", "SLURM_PROCID": "0", "SLURM_LOCALID": "0"}
STEP = {"SLURM_STEP_ID": "0", "SLURM_STEP_NUM_TASKS": "4", "SLURM_STEP_NUM_NODES": "2"}


@pytest.mark.parametrize(
    ("environment", "expected"),
    [
        ({}, None),
        (ALLOCATION, None),  # the shell of salloc
        ({**ALLOCATION, **STEP, "SLURM_STEP_ID": "4294967290"}, None),  # salloc with an interactive step
        ({**ALLOCATION, **STEP, "SLURM_STEP_NUM_TASKS": "1"}, None),  # srun --pty bash
        ({**ALLOCATION, **STEP, "SLURM_STEP_NUM_TASKS": "4(x2)"}, None),
        ({**ALLOCATION, **STEP, "SLURM_STEP_ID": "batch"}, None),
        ({**ALLOCATION, **STEP}, (2, 2)),  # srun
        ({"WORLD_SIZE": "1", "LOCAL_WORLD_SIZE": "1"}, (1, 1)),
        ({**ALLOCATION, **STEP, "WORLD_SIZE": "16", "LOCAL_WORLD_SIZE": "8"}, (8, 2)),  # torchrun in a job of Slurm's
        ({"WORLD_SIZE": "many", "LOCAL_WORLD_SIZE": ""}, None),
    ],
)
def test_who_started_this_process(environment, expected):
    assert launched(environment) == expected


def test_a_place_is_kept_where_srun_gave_it():
    inside, outside = {**ALLOCATION, **STEP}, dict(ALLOCATION, SLURM_PROCID="x")
    forget_ranks(inside)
    forget_ranks(outside)
    assert by_srun(inside)
    assert inside["SLURM_PROCID"] == "0"
    assert outside == {key: value for key, value in ALLOCATION.items() if key not in ("SLURM_PROCID", "SLURM_LOCALID")}
