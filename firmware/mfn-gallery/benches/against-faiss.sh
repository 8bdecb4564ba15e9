#!/usr/bin/env bash
# One probe in 1,000, 10,000 and 100,000 templates, beside faiss-cpu's IndexFlatIP in one alternating run on one
# core: bash firmware/mfn-gallery/benches/against-faiss.sh [python with numpy and faiss-cpu] [templates...]
set -euo pipefail
cd "$(dirname "$0")/../../.."
cargo build --release -p mfn-gallery --example timed_search
OMP_NUM_THREADS=1 taskset -c "${CORE:-0}" "${1:-python3}" firmware/mfn-gallery/examples/compare_faiss.py \
    target/release/examples/timed_search "${@:2}"
