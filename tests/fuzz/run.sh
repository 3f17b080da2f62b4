#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh [SECONDS [TARGET...]]: builds the fuzz targets with clang, AddressSanitizer and UndefinedBehaviorSanitizer, and
# runs each for SECONDS (default 20) with seeds from tests/vectors. New finds stay in build/fuzz/corpus. Stops at the
# first crash; its input is build/fuzz/crash-*.
set -euo pipefail
cd "$(dirname "$0")/../.."
seconds=${1:-20}
shift || true
out=build/fuzz
targets=("$@")
if [ ${#targets[@]} -eq 0 ]; then
    for source in tests/fuzz/fuzz_*.c; do targets+=("$(basename "$source" .c)"); done
fi
objects=("${targets[@]/#/$out/obj/tests/fuzz/}")
objects=("${objects[@]/%/.o}")
make -s -j2 CC=clang O=$out SAN=address,undefined EXTRA_CFLAGS=-fsanitize=fuzzer-no-link \
    $out/lib/libcrypto.a $out/lib/libcore.a "${objects[@]}"
node tests/fuzz/seeds.mjs $out/seeds
mkdir -p $out/bin
for target in "${targets[@]}"; do
    clang -fsanitize=fuzzer,address,undefined -pie -o "$out/bin/$target" "$out/obj/tests/fuzz/$target.o" \
        $out/lib/libcrypto.a $out/lib/libcore.a -lsodium -lcrypto -ljansson -linih -lm -pthread
    mkdir -p "$out/corpus/$target"
    log=$out/$target.log
    if "$out/bin/$target" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=16384 \
        -print_final_stats=1 -artifact_prefix=$out/ "$out/corpus/$target" "$out/seeds/$target" >"$log" 2>&1; then
        echo "ok   $target: $(awk '/number_of_executed_units/ { print $2 }' "$log") runs in $seconds s"
    else
        tail -n 40 "$log"
        echo "FAIL $target"
        exit 1
    fi
done
