#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every SQL function is re-creatable, and is called by a statement, another function, a trigger or a test.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"
shopt -s nullglob globstar
for file in sql/functions/*.sql; do
    grep -nE '^[[:space:]]*CREATE[[:space:]]+FUNCTION' -i "$file" |
        awk -F: -v file="$file" '{ print file "\tline " $1 ": CREATE FUNCTION is not re-creatable" }'
    grep -oiE '^[[:space:]]*CREATE OR REPLACE FUNCTION[[:space:]]+[a-z_0-9.]+' "$file" | awk '{ print $NF }' | sort -u |
        while read -r name; do
            used=$(cat sql/**/*.c sql/**/*.h sql/**/*.sql workers/**/*.c tests/**/*.c 2>/dev/null |
                grep -vE "FUNCTION +${name//./\\.}\b" | grep -cE "\b${name//./\\.}\b")
            [ "$used" -gt 0 ] || printf '%s:%s\tis called by nothing\n' "$file" "$name"
        done
done | report
finish
