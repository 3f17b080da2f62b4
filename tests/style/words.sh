#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every file names its licence; nothing is marked unfinished, names one machine, or locks a download address.
# shellcheck source=tests/style/common
. "$(dirname "$0")/common"

{
    files '*.c' '*.h' '*.def' '*.sql' '*.sh' '*.mjs' '*.ts' '*.tsx' '*.circom' '*.sol' Makefile
    files '*' | grep -E '^(deploy|tests|\.ci)/' | xargs -r grep -lIE -m1 '^#!'
} | sort -u | xargs -r grep -L 'SPDX-License-Identifier: Apache-2.0' | sed 's|$|\thas no SPDX line|' | report

unfinished='\b(TO''DO|FIX''ME|XX''X|not implement''ed|for n''ow|place''holder|st''ub)\b'
files '*.c' '*.h' '*.sql' '*.def' '*.mjs' '*.sh' Makefile run lint up down demo |
    xargs -r grep -HnIE "$unfinished" | awk -F: '{ print $1 "\tline " $2 " is marked unfinished" }' | report
machine='/(wo''rk|far''m)/|/ro''ot/'
files '*' | xargs -r grep -HnIE "$machine" |
    awk -F: '{ print $1 "\tline " $2 " holds a path of one machine" }' | report
files package-lock.json | xargs -r grep -HnE '"resolved": *"http' |
    awk -F: '!seen[$1]++ { print $1 "\tlocks a download address (npm: omit-lockfile-registry-resolved)" }' | report
find . -mindepth 1 -maxdepth 1 -not -name '.*' -printf '%f\n' |
    grep -vxE 'Makefile|server|api|sql|workers|web|deploy|tests|openapi\.yaml|README\.md|LICENSE|build|var' |
    sed 's|$|\tdoes not belong at the top|' | report
finish
