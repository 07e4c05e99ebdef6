import pytest
from recycle_engine.cluster import by_srun, forget_ranks, launched

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


def test_a_place_that_torchrun_or_lightning_did_not_give_is_dropped():
    """As in a pod that is told its RANK: it trained alone, wrote nothing, and failed in the end."""
    for pod in ({"RANK": "1"}, {"RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "x"}, {"RANK": "1", "LOCAL_RANK": "1"}):
        forget_ranks(pod)
        assert not {"RANK", "LOCAL_RANK"} & pod.keys()
    torchrun = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2"}
    of_lightning = {"LOCAL_RANK": "1", "WORLD_SIZE": "2", "NODE_RANK": "0"}  # which starts its own processes so
    for kept in (torchrun, of_lightning):
        before = dict(kept)
        forget_ranks(kept)
        assert kept == before


def test_a_place_is_kept_where_srun_gave_it():
    inside, outside = {**ALLOCATION, **STEP}, dict(ALLOCATION, SLURM_PROCID="x")
    forget_ranks(inside)
    forget_ranks(outside)
    assert by_srun(inside)
    assert inside["SLURM_PROCID"] == "0"
    assert outside == {key: value for key, value in ALLOCATION.items() if key not in ("SLURM_PROCID", "SLURM_LOCALID")}
