# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# One market in one folder: its processes, written down in D/processes as `NAME PID START` lines so that
# whoever stops it, this run or a later one, ends exactly these and no process that merely got the pid.

# shellcheck source=deploy/local/lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

# market_spawn NAME COMMAND...: in a session of its own, so that the terminal's Ctrl-C reaches only us.
market_spawn() {
    local name=$1 pid
    shift
    (cd "$CF_SOURCE" && exec setsid "$@" </dev/null >>"$MARKET/log/$name.log" 2>&1 9>&-) &
    pid=$!
    disown "$pid"
    echo "$name $pid $(cf_start_time "$pid")" >>"$MARKET/processes"
}

# market_alive NAME
market_alive() {
    local name pid start
    while read -r name pid start; do
        [ "$name" = "$1" ] && cf_alive "$pid" "$start" && return 0
    done < <(cat "$MARKET/processes" 2>/dev/null)
    return 1
}

# The names of recorded processes that ended by themselves.
market_ended() {
    local name pid start
    while read -r name pid start; do
        cf_alive "$pid" "$start" || echo "$name"
    done < <(cat "$MARKET/processes" 2>/dev/null)
}

# Stops the recorded processes whose name matches: all get the signal first, then each is waited for.
market_stop() { # REGEX SECONDS
    local name pid start
    while read -r name pid start; do
        [[ $name =~ $1 ]] && cf_alive "$pid" "$start" && kill -TERM "$pid" 2>/dev/null
    done < <(cat "$MARKET/processes" 2>/dev/null)
    while read -r name pid start; do
        [[ $name =~ $1 ]] && cf_stop "$pid" "$start" "$2"
    done < <(cat "$MARKET/processes" 2>/dev/null)
    return 0
}

# Agents first, so that they can sign off; the database last.
market_down() {
    market_stop '^(provider|verifier)[0-9]' 15
    market_stop '^worker-' 10
    market_stop '^server$' 15
    cf_redis_down "$MARKET"
    cf_pg_down "$MARKET"
    rm -f "$MARKET/processes" "$MARKET/market.json" "$MARKET/owner"
    rm -rf "$(cf_socket_dir "$MARKET")"
}

# D/owner names the `up` that runs this market in the foreground, `PID START`, or says `detached`. A
# market in the foreground looks after itself; a detached one with a dead process is not running.
market_running() {
    local pid start
    read -r pid start 2>/dev/null <"$MARKET/owner" || return 1
    if [ "$pid" = detached ]; then
        market_alive server && [ -z "$(market_ended)" ]
    else
        cf_alive "$pid" "$start"
    fi
}

# A TCP port of 127.0.0.1 that nobody listens on: the wanted one, else one below the ephemeral range.
market_port() {
    local port=${1:-0} try
    for try in {1..200}; do
        [ "$port" -gt 0 ] && ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && echo "$port" && return
        port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    done
    cf_die "no free port found"
}
