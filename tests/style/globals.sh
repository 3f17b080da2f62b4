#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# No writable static storage outside the main.c files: read from the built objects, where nothing hides.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"
objects=${COMPUTEFI_BUILD:-build}/obj
[ -d "$objects" ] || { echo "nothing is built in $objects; run: make"; exit 1; }
find "$objects"/{server,sql,api,workers} -name '*.o' -not -name main.o 2>/dev/null | sort | while read -r object; do
    source=${object#"$objects"/}
    source=${source%.o}.c
    [ -f "$source" ] || continue
    objdump -t "$object" | awk -v file="$source" '
        $NF !~ /^\./ && match($0, /[ \t]\.(data|bss|tdata|tbss)[^ \t]*[ \t]/) {
            section = substr($0, RSTART + 1, RLENGTH - 2)
            if (section !~ /^\.data\.rel\.ro/) print file ":" $NF "\tmutable global in " section
        }
        $0 ~ /\*COM\*/ { print file ":" $NF "\tmutable global (common)" }'
done | grep -vE ':(__odr_asan|__asan|__gcov|__tsan|__sanitizer)' | report
finish
