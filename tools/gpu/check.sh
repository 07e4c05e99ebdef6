#!/usr/bin/env bash
# Runs the GPU check; see: bash tools/gpu/check.sh --help
cd "$(dirname "$0")/../.." && PYTHONPATH=tools${PYTHONPATH:+:$PYTHONPATH} exec "${PYTHON:-python3}" -m gpu.check "$@"
