#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every SQL function is re-creatable, and is called by a statement, another function, a trigger or a test.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"
shopt -s nullglob globstar
callers=$(mktemp)
trap 'rm -f "$callers" "$STYLE_FOUND"' EXIT
cat sql/**/*.{c,h,sql} api/**/*.c workers/**/*.c tests/**/*.{c,mjs} 2>/dev/null |
    grep -viE '^[[:space:]]*CREATE OR REPLACE FUNCTION' >"$callers"
for file in sql/functions/*.sql; do
    grep -niE '^[[:space:]]*CREATE[[:space:]]+FUNCTION' "$file" |
        awk -F: -v file="$file" '{ print file "\tline " $1 ": CREATE FUNCTION is not re-creatable" }'
    grep -oiE '^[[:space:]]*CREATE OR REPLACE FUNCTION[[:space:]]+[a-z_0-9]+' "$file" | awk '{ print $NF }' | sort -u |
        while read -r name; do
            grep -qwF "$name" "$callers" || printf '%s:%s\tis called by nothing\n' "$file" "$name"
        done
done | report
finish
