#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Agents that break, lie or vanish, in a market of real processes: the work is done by somebody else, and an
# agent killed in the middle of a job goes on where it was.
set -uo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${COMPUTEFI_BUILD:-$root/build}
work=$(mktemp -d /tmp/computefi-e2e-XXXXXX)
chmod 0711 "$work"
market=$work/m
passed=0
failed=0
extra=() # agents that this test started itself

cleanup() {
    local pid
    for pid in "${extra[@]}"; do kill -KILL "$pid" 2>/dev/null; done
    "$root/deploy/local/down" --dir "$market" >/dev/null 2>&1
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
finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ]
    exit
}
is() { [ "$1" = "$2" ] || { echo "got '$1', expected '$2'"; return 1; }; }
api() { jq -r .api "$market/market.json"; }
get() { curl -fsS -m 10 "$(api)$1"; }

# post KIND [MEMBERS]: a small task; prints its id.
post() {
    local input
    case $1 in
    zk.groth16) input='{"x":"20240229","k":"7"}' ;;
    *) input="{\"header\":\"$(head -c 76 /dev/urandom | od -An -tx1 | tr -d ' \n')\",\"target\":\"00ff$(printf 'f%.0s' {1..60})\"}" ;;
    esac
    jq -nc --arg kind "$1" --argjson input "$input" --argjson more "${2:-{\}}" \
        '{kind: $kind, input: $input, max_price_gwei: "2000000000", deadline_seconds: 300} + $more' |
        curl -fsS -m 10 -X POST "$(api)/v1/tasks" -d @- -H 'Content-Type: application/json' \
            -H "Authorization: Bearer $(jq -r .keys.requester "$market/market.json")" \
            -H "Idempotency-Key: $(head -c 16 /dev/urandom | od -An -tx1 | tr -d ' \n')" | jq -r .id
}
# until_state TASK STATE SECONDS
until_state() {
    local left=$(($3 * 5)) state=
    while [ "$left" -gt 0 ]; do
        state=$(get "/v1/tasks/$1" | jq -r .state)
        [ "$state" = "$2" ] && return 0
        left=$((left - 1))
        sleep 0.2
    done
    echo "$1 is $state, not $2"
    get "/v1/tasks/$1/jobs"
    return 1
}
# until_log FILE TEXT SECONDS
until_log() {
    local left=$(($3 * 20))
    until grep -q "$2" "$1" 2>/dev/null; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || { echo "'$2' did not appear in $1"; tail -n 5 "$1"; return 1; }
        sleep 0.05
    done
}
job_states() { get "/v1/tasks/$1/jobs" | jq -r '[.data[] | {fence, state}] | sort_by(.fence) | map(.state) | join(" ")'; }
# no_orphans PID: nobody but PID's children works in provider1's scratch folder.
no_orphans() {
    local cwd pid
    for cwd in /proc/[0-9]*/cwd; do
        [[ $(readlink "$cwd" 2>/dev/null) = "$market"/agents/provider1/* ]] || continue
        pid=${cwd#/proc/}
        pid=${pid%/cwd}
        [ "$(awk '/^PPid/ { print $2 }' "/proc/$pid/status" 2>/dev/null)" = "$1" ] || [ ! -d "/proc/$pid" ] ||
            { echo "$pid works on"; return 1; }
    done
}
pid_of() { jq -r ".processes.$1" "$market/market.json"; }

# start NAME CONFIG: sets agent to the pid.
start() {
    "$build/bin/computefi-agent" "${1%%[0-9]*}" --config "$2" >>"$work/$1.log" 2>&1 </dev/null &
    agent=$!
    extra+=("$agent")
    disown "$agent"
}
# gone PID SECONDS
gone() {
    local left=$(($2 * 20))
    while kill -0 "$1" 2>/dev/null; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || { echo "$1 lives"; return 1; }
        sleep 0.05
    done
}
faulty() { # NAME FAULT: a copy of its settings, at a price that wins whatever it bids for
    { cat "$market/agents/$1.conf"; printf '[agent]\nstrategy = fixed\nprice_gwei = 1000\nfault = %s\n' "$2"; } >"$work/$1.$2.conf"
    echo "$work/$1.$2.conf"
}

expect "a market starts" "$root/deploy/local/up" --dir "$market" --port 0 --detach --no-demo --providers 2 --verifiers 5
[ "$failed" -eq 0 ] || finish

first=$(pid_of provider1)
kill -TERM "$first"
expect "an agent ends on SIGTERM within five seconds" gone "$first" 5

start provider1 "$(faulty provider1 wrong_result)"
expect "it starts again" until_log "$work/provider1.log" 'agent ready' 20
lied=$(post mining.scrypt)
expect "a wrong result costs the lease, the next bidder is paid" until_state "$lied" paid 60
expect "the wrong job is known as wrong" is "$(job_states "$lied")" "wrong paid"
kill -TERM "$agent"
gone "$agent" 5

: >"$work/provider1.log"
start provider1 "$(faulty provider1 none)"
expect "the same node comes back" until_log "$work/provider1.log" 'agent ready' 20
killed=$(post zk.groth16)
expect "it claims a job" until_log "$work/provider1.log" 'job claimed' 30
kill -KILL "$agent"
gone "$agent" 5
start provider1 "$(faulty provider1 none)"
expect "its prover died with it" no_orphans "$agent"
expect "a killed agent finishes its job" until_state "$killed" paid 60
expect "under the same lease" is "$(job_states "$killed")" "paid"
expect "with one bid" is "$(get "/v1/tasks/$killed/auction" | jq '[.bids[] | select(.revision > 1)] | length')" 0

second=$(pid_of verifier1)
kill -TERM "$second"
gone "$second" 5
start verifier1 "$(faulty verifier1 vote_no)"
expect "a dissenting verifier starts" until_log "$work/verifier1.log" 'agent ready' 20
right=$(post mining.sha256d)
expect "one dissenter does not stop checked work" until_state "$right" paid 60

expect "bad settings are refused with the line" bash -c "printf '[agent]\nspeed = 1\n' >'$work/bad.conf'; '$build/bin/computefi-agent' provider --config '$work/bad.conf' 2>&1 | grep -q 'bad.conf:2: speed'"
expect "a second agent does not share the first one's state" bash -c "! timeout 10 '$build/bin/computefi-agent' verifier --config '$work/verifier1.vote_no.conf' 2>/dev/null"
finish
