#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# deploy/local/up and down: a market starts, starts again after kill -9, stops what it started and nothing
# else, and two markets do not see each other.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
up=$root/deploy/local/up
down=$root/deploy/local/down
work=$(mktemp -d /tmp/computefi-e2e-XXXXXX)
chmod 0711 "$work"
passed=0
failed=0
sleep 1000 &
bystander=$!

cleanup() {
    "$down" --dir "$work/a" >/dev/null 2>&1
    "$down" --dir "$work/b" >/dev/null 2>&1
    kill "$bystander" 2>/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

expect() { # NAME COMMAND...
    local name=$1
    shift
    if "$@" >"$work/out" 2>&1; then
        echo "PASS $name"
        passed=$((passed + 1))
    else
        echo "FAIL $name"
        sed 's/^/  /' "$work/out"
        failed=$((failed + 1))
    fi
}
small=(--port 0 --no-demo --providers 1 --verifiers 3)
pids() { jq -r '.processes[]' "$work/$1/market.json"; }
database_pids() { head -qn1 "$work/$1"/data/pg/postmaster.pid "$work/$1"/data/redis/redis.pid; }
all_alive() {
    local pid
    for pid in $(pids "$1"); do kill -0 "$pid" || return 1; done
}
none_alive() {
    local pid
    for pid in "$@"; do
        [ -d "/proc/$pid" ] && ! grep -q '^State:.Z' "/proc/$pid/status" && { echo "$pid lives: $(tr '\0' ' ' <"/proc/$pid/cmdline")"; return 1; }
    done
    return 0
}
# me FOLDER KEY: the status of who-am-I at one market with a key.
me() {
    curl -sS -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $2" "$(jq -r .api "$work/$1/market.json")/v1/accounts/me"
}
is() { [ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }; }

expect "a market starts" "$up" --dir "$work/a" --detach "${small[@]}"
expect "market.json is private" is "$(stat -c %a "$work/a/market.json")" 600
expect "all of its processes live" all_alive a
key=$(jq -r .keys.requester "$work/a/market.json")
expect "the requester's key works" is "$(me a "$key")" 200
before=$(pids a)
expect "a second start says so and changes nothing" bash -c "'$up' --dir '$work/a' --detach ${small[*]} | grep -q 'already running'"
expect "the same processes run" is "$(pids a)" "$before"

expect "a second market starts beside it" "$up" --dir "$work/b" --detach "${small[@]}"
expect "it does not know the first one's key" is "$(me b "$key")" 401

# shellcheck disable=SC2046 # one word for each pid
kill -9 $(pids a) $(database_pids a)
expect "it starts again after kill -9 of everything" "$up" --dir "$work/a" --detach "${small[@]}"
expect "the data was kept" is "$(me a "$key")" 200

gone="$(pids a) $(database_pids a)"
expect "down stops it" "$down" --dir "$work/a"
# shellcheck disable=SC2086
expect "nothing of it is left" none_alive $gone
expect "the other market still answers" curl -fsS "$(jq -r .api "$work/b/market.json")/readyz"
expect "the bystander lives" kill -0 "$bystander"
expect "down twice is fine" "$down" --dir "$work/a"

setsid "$up" --dir "$work/a" "${small[@]}" >"$work/foreground" 2>&1 &
foreground=$!
left=900
until grep -q 'Ctrl-C stops' "$work/foreground" || [ $((left -= 1)) -eq 0 ]; do sleep 0.1; done
gone="$(pids a) $(database_pids a)"
kill -TERM "$foreground"
wait "$foreground"
expect "in the foreground it ends cleanly when told to" is "$?" 0
# shellcheck disable=SC2086
expect "and leaves nothing running" none_alive $gone

gone="$(pids b) $(database_pids b)"
expect "the second market stops" "$down" --dir "$work/b"
# shellcheck disable=SC2086
expect "and leaves nothing either" none_alive $gone

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
