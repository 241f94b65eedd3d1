#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
#
# Sends a little of everything through the lab of misc/create_netns.sh: ICMP and
# ICMPv6 (ping), UDP (bash) and, where iperf3 is installed, TCP.
#
# usage: misc/make_traffic.sh [SECONDS [PREFIX]]      default 10 ns
set -euo pipefail

seconds=${1:-10}
prefix=${2:-ns}

fail() {
    echo "make_traffic.sh: $*" >&2
    exit 1
}

[[ -e /run/netns/${prefix}0 ]] || fail "no namespace ${prefix}0, run misc/create_netns.sh first"
command -v ping >/dev/null || fail "no ping, install it: apt-get install iputils-ping"

in_ns() {
    ip netns exec "$prefix$1" "${@:2}"
}

# Nobody listens at the other end: its answers are ICMP errors, flows as well.
udp() {
    # shellcheck disable=SC2016  # expanded by the inner bash
    in_ns "$1" bash -c '
        for ((end = SECONDS + $3; SECONDS < end; )); do
            { echo "a datagram" >"/dev/udp/$1/$2"; } 2>/dev/null || true
            sleep 0.1
        done' udp "$2" "$3" "$seconds"
}

stop() {
    local running
    mapfile -t running < <(jobs -p)
    [[ ${#running[@]} -eq 0 ]] || kill "${running[@]}" 2>/dev/null || true
}
trap stop EXIT

in_ns 1 ping -q -i 0.2 -w "$seconds" 10.2.0.2 >/dev/null &
in_ns 1 ping -q -i 0.2 -w "$seconds" fd00:3::2 >/dev/null &
udp 2 10.3.0.2 5353 &
udp 3 fd00:1::2 5353 &
if command -v iperf3 >/dev/null; then
    in_ns 3 iperf3 -s -1 >/dev/null &
    sleep 0.5
    in_ns 1 iperf3 -c 10.3.0.2 -b 10M -t "$seconds" >/dev/null &
fi
wait
