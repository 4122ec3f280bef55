#!/bin/sh
# SPDX-License-Identifier: MIT
# Our server beside nginx, both on one core with the same 2 kB answer and 64 keep-alive connections.
# Needs wrk and nginx in the path.
#
#     tests/bench/http.sh build [seconds]
set -eu
build=$1
seconds=${2:-5}
work=$(mktemp -d)
chmod 755 "$work" # the worker of nginx has a user of its own
trap 'rm -rf "$work"' EXIT

head -c 2048 /dev/zero | tr '\0' x > "$work/answer"
cat > "$work/nginx.conf" <<CONF
worker_processes 1;
daemon off;
pid $work/pid;
error_log $work/error.log;
events { worker_connections 512; }
http {
    access_log off;
    sendfile on;
    tcp_nopush on;
    open_file_cache max=10;
    keepalive_requests 1000000000;
    client_body_temp_path $work/body;
    proxy_temp_path $work/proxy;
    fastcgi_temp_path $work/fastcgi;
    uwsgi_temp_path $work/uwsgi;
    scgi_temp_path $work/scgi;
    default_type application/json;
    server { listen 127.0.0.1:8091; root $work; }
}
CONF

# ticks of processor time that a process has used
ticks() { cut -d ' ' -f 14,15 "/proc/$1/stat" | tr ' ' '+' | xargs -I{} sh -c 'echo $(({}))'; }

load() {
    name=$1 url=$2 pid=$3
    before=$(ticks "$pid")
    wrk -t 1 -c 64 -d "${seconds}s" "$url" > "$work/wrk"
    after=$(ticks "$pid")
    ! grep -q "Non-2xx" "$work/wrk" || { cat "$work/wrk"; exit 1; }
    awk -v name="$name" -v ticks=$((after - before)) -v hertz="$(getconf CLK_TCK)" '
        /Requests\/sec/ { rate = $2 }
        / requests in / { count = $1 }
        END { printf "%-10s %8.0f requests/s  %5.2f us processor each\n", name, rate, ticks / hertz * 1e6 / count }
    ' "$work/wrk"
}

taskset -c 0 "$build/tests/bench/bench_http" 127.0.0.1:8090 & ours=$!
taskset -c 0 nginx -p "$work" -c "$work/nginx.conf" -e "$work/error.log" & theirs=$!
trap 'kill $ours $theirs 2> /dev/null; rm -rf "$work"' EXIT
sleep 1
worker=$(cat "/proc/$theirs/task/$theirs/children" | cut -d ' ' -f 1)
for round in 1 2 3; do
    load hashtagd http://127.0.0.1:8090/answer "$ours"
    load nginx http://127.0.0.1:8091/answer "$worker"
done
kill "$ours"
wait "$ours" || true
