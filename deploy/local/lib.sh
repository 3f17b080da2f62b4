# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Private PostgreSQL and Redis in a folder: used by deploy/local/up and by the tests.
#
# Who runs what: PostgreSQL refuses to run as root, so when we are root both servers run as the system
# user `computefi` (made when missing); otherwise as ourselves. They listen on unix sockets only, in a
# folder of mode 0700 owned by that user: trust authentication is safe because only that user and root
# can reach the socket.

CF_SOURCE=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
CF_BUILD=${COMPUTEFI_BUILD:-$CF_SOURCE/build}
CF_PG_PORT=5432 # only the socket's name: nothing listens on TCP

cf_die() {
    echo "computefi: $*" >&2
    exit 1
}

cf_user() {
    if [ "$(id -u)" -ne 0 ]; then
        id -un
        return
    fi
    if ! id computefi >/dev/null 2>&1; then
        useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin \
            computefi >/dev/null 2>&1 || id computefi >/dev/null 2>&1 ||
            cf_die "cannot create the system user computefi; run as an ordinary user instead"
    fi
    echo computefi
}

# Runs a command as the user that owns the data.
cf_as() {
    if [ "$(id -u)" -eq 0 ]; then
        local user
        user=$(cf_user)
        setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME=/nonexistent "$@"
    else
        "$@"
    fi
}

# A short name for a folder: sockets have 107 bytes for their whole path.
cf_hash() {
    printf '%s' "$(realpath -m "$1")" | sha256sum | cut -c1-12
}

cf_socket_dir() {
    echo "/tmp/computefi-$(id -u)-$(cf_hash "$1")"
}

# Somebody else may have made the folder first in /tmp: use it only when it is ours and private.
cf_make_socket_dir() {
    local dir user
    dir=$(cf_socket_dir "$1")
    user=$(cf_user)
    mkdir -m 0700 "$dir" 2>/dev/null && chown "$user" "$dir"
    if [ -L "$dir" ] || [ ! -d "$dir" ] || [ "$(stat -c '%U %a' "$dir")" != "$user 700" ]; then
        cf_die "$dir exists and is not a private folder of $user; remove it"
    fi
}

# Where the servers' data lies: under the market's folder, or, when the servers' user cannot get
# there (a checkout under /root), in /var/lib/computefi with a link to it.
cf_data_dir() {
    local dir=$1 user
    user=$(cf_user)
    if [ ! -e "$dir/data" ]; then
        mkdir -p "$dir"
        if cf_as test -x "$dir"; then
            install -d -m 0700 -o "$user" "$dir/data"
        else
            mkdir -p -m 0711 /var/lib/computefi
            install -d -m 0700 -o "$user" "/var/lib/computefi/$(cf_hash "$dir")"
            ln -sfn "/var/lib/computefi/$(cf_hash "$dir")" "$dir/data"
        fi
    fi
    realpath "$dir/data"
}

# ---- processes ---------------------------------------------------------------------------------
# A process is named by pid and start time, so that a pid that came round again is not ours.
cf_start_time() {
    local stat
    stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
    stat=${stat##*) }
    # shellcheck disable=SC2086 # fields of /proc/PID/stat, split on purpose
    set -- $stat
    [ "$1" != Z ] || return 1
    echo "${20}"
}

# cf_alive PID START
cf_alive() {
    [ -n "${1:-}" ] && [ "$(cf_start_time "$1")" = "${2:-}" ] && [ -n "${2:-}" ]
}

# cf_stop PID START SECONDS: TERM, then KILL when it does not end in time.
cf_stop() {
    local pid=$1 start=$2 left=$((${3:-20} * 10))
    cf_alive "$pid" "$start" || return 0
    kill -TERM "$pid" 2>/dev/null
    while cf_alive "$pid" "$start" && [ "$left" -gt 0 ]; do
        sleep 0.1
        left=$((left - 1))
    done
    if cf_alive "$pid" "$start"; then
        echo "computefi: process $pid did not stop in time, killing it" >&2
        kill -KILL "$pid" 2>/dev/null
    fi
}

# The server process recorded in a pid file, if that process runs in the given folder as the given
# program; nothing otherwise (a stale file after kill -9 names no process, or somebody else's).
cf_server_pid() {
    local file=$1 dir=$2 program=$3 pid
    pid=$(cf_as head -n1 "$file" 2>/dev/null) || return 1
    [ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$dir" ] || return 1
    case $(readlink "/proc/$pid/exe" 2>/dev/null) in
    */"$program"*) echo "$pid" ;;
    *) return 1 ;;
    esac
}

# ---- PostgreSQL --------------------------------------------------------------------------------
cf_pg_bin() {
    local dir
    dir=$(find /usr/lib/postgresql -mindepth 1 -maxdepth 1 2>/dev/null | sort -V | tail -n1)
    [ -x "$dir/bin/postgres" ] || cf_die "PostgreSQL is not installed; run: make deps"
    echo "$dir/bin"
}

cf_pg_uri() { # DIR [DATABASE]
    echo "postgresql://computefi@/${2:-computefi}?host=$(cf_socket_dir "$1")&port=$CF_PG_PORT"
}

cf_pg_configure() { # DATA SOCKETS MODE
    local durable=on
    [ "$3" = test ] && durable=off
    cf_as tee "$1/computefi.conf" >/dev/null <<CONF
listen_addresses = ''
port = $CF_PG_PORT
unix_socket_directories = '$2'
unix_socket_permissions = 0700
max_connections = 200
shared_buffers = 128MB
max_wal_size = 1GB
jit = off
fsync = $durable
synchronous_commit = $durable
full_page_writes = $durable
log_min_messages = warning
log_line_prefix = '%m [%p] %d '
idle_in_transaction_session_timeout = 60s
CONF
    cf_as grep -q '^include_if_exists' "$1/postgresql.conf" ||
        echo "include_if_exists = 'computefi.conf'" | cf_as tee -a "$1/postgresql.conf" >/dev/null
}

cf_pg_up() { # DIR [run|test]
    local dir=$1 mode=${2:-run} bin data sockets try
    bin=$(cf_pg_bin) || exit 1
    data=$(cf_data_dir "$dir")/pg
    cf_make_socket_dir "$dir"
    sockets=$(cf_socket_dir "$dir")
    cf_server_pid "$data/postmaster.pid" "$data" postgres >/dev/null && return 0
    # A folder without the file PG_VERSION's later sibling was interrupted in initdb: start over.
    if ! cf_as test -e "$data/computefi.conf"; then
        cf_as rm -rf "$data"
        cf_as "$bin/initdb" -D "$data" -U computefi -A trust -E UTF8 --locale=C --no-sync \
            >/dev/null || cf_die "initdb failed in $data"
        [ "$mode" = test ] || cf_as "$bin/initdb" --sync-only -D "$data" >/dev/null
    fi
    cf_pg_configure "$data" "$sockets" "$mode"
    # Not ours by the check above, so what these files say is left from a kill -9.
    cf_as rm -f "$data/postmaster.pid" "$sockets/.s.PGSQL.$CF_PG_PORT"*
    # After kill -9 of the postmaster its children hold the shared memory for a moment.
    for try in 1 2 3 4 5; do
        (cd / && cf_as "$bin/pg_ctl" -D "$data" -l "$data/server.log" -w -t 60 -s start) \
            >/dev/null 2>&1 </dev/null && return 0
        sleep "$try"
    done
    cf_as tail -n 5 "$data/server.log" >&2
    cf_die "PostgreSQL did not start; its log is $data/server.log"
}

cf_pg_down() { # DIR
    local data pid
    [ -e "$1/data" ] || return 0
    data=$(cf_data_dir "$1")/pg
    pid=$(cf_server_pid "$data/postmaster.pid" "$data" postgres) || return 0
    (cd / && cf_as "$(cf_pg_bin)/pg_ctl" -D "$data" -m fast -w -t 30 -s stop) >/dev/null 2>&1 ||
        cf_stop "$pid" "$(cf_start_time "$pid")" 5
}

# ---- Redis -------------------------------------------------------------------------------------
cf_redis_socket() {
    echo "$(cf_socket_dir "$1")/redis.sock"
}

cf_redis_up() { # DIR
    local dir=$1 data socket left=100
    command -v redis-server >/dev/null || cf_die "Redis is not installed; run: make deps"
    data=$(cf_data_dir "$dir")/redis
    cf_make_socket_dir "$dir"
    socket=$(cf_redis_socket "$dir")
    cf_server_pid "$data/redis.pid" "$data" redis >/dev/null && return 0
    cf_as mkdir -p "$data"
    # Nothing is kept on purpose: PostgreSQL is the truth and the workers refill an empty Redis.
    cf_as tee "$data/redis.conf" >/dev/null <<CONF
port 0
unixsocket $socket
unixsocketperm 700
daemonize yes
pidfile $data/redis.pid
logfile $data/server.log
dir $data
save ""
appendonly no
maxmemory 256mb
maxmemory-policy noeviction
CONF
    cf_as rm -f "$data/redis.pid" "$socket"
    cf_as redis-server "$data/redis.conf" >/dev/null 2>&1 </dev/null
    until [ "$(redis-cli -s "$socket" ping 2>/dev/null)" = PONG ]; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || cf_die "Redis did not start; its log is $data/server.log"
        sleep 0.1
    done
}

cf_redis_down() { # DIR
    local data pid
    [ -e "$1/data" ] || return 0
    data=$(cf_data_dir "$1")/redis
    pid=$(cf_server_pid "$data/redis.pid" "$data" redis) || return 0
    cf_stop "$pid" "$(cf_start_time "$pid")" 10
}
