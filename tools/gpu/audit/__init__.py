"""Finds, on a machine without a GPU, what would make Python wait for one and what would not repeat on one.

    PYTHONPATH=tools python -m gpu.audit                    all
    PYTHONPATH=tools python -m gpu.audit losses models      some of it

The code runs on tensors that only claim to lie on a GPU: shapes, dtypes and devices are right, so that its branches for
GPUs are taken, and nothing is computed. Each operation is looked at before it runs (`watch`). The exit code is 1 where
a case fails, or waits more often than it states that it must.
"""
