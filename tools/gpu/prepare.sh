#!/usr/bin/env bash
# Gathers what the GPU check needs on a machine without a network; see: bash tools/gpu/prepare.sh --help
cd "$(dirname "$0")/../.." && PYTHONPATH=tools exec "${PYTHON:-.venv/bin/python}" -m gpu.prepare "$@"
