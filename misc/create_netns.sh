#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A lab of four network namespaces; ns0 routes between the other three.
#
#   [ns1](eth0)-----(eth1)[ns0](eth2)-----(eth0)[ns2]
#                         (eth3)----------(eth0)[ns3]
#
# ns0's ethN and nsN's eth0 are 10.N.0.1 and 10.N.0.2 (/24), and fd00:N::1 and
# fd00:N::2 (/64). Run again it makes what is missing. misc/clean_netns.sh
# removes it, misc/make_traffic.sh sends something through it.
#
# usage: misc/create_netns.sh [PREFIX]     namespaces PREFIX0 ... PREFIX3, default ns
set -eu

prefix=${1:-ns}
router=${prefix}0

if [ "$(id -u)" -ne 0 ]; then
    echo "create_netns.sh: network namespaces take root, try: sudo $0 $*" >&2
    exit 1
fi

for i in 0 1 2 3; do
    [ -e "/run/netns/$prefix$i" ] || ip netns add "$prefix$i"
    ip -n "$prefix$i" link set lo up
done
ip netns exec "$router" sh -c '
    echo 1 >/proc/sys/net/ipv4/ip_forward
    echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'

for i in 1 2 3; do
    host=$prefix$i
    ip -n "$host" link show eth0 >/dev/null 2>&1 ||
        ip link add eth0 netns "$host" type veth peer name "eth$i" netns "$router"
    ip -n "$router" link set "eth$i" up
    ip -n "$host" link set eth0 up
    ip -n "$router" addr replace "10.$i.0.1/24" dev "eth$i"
    ip -n "$host" addr replace "10.$i.0.2/24" dev eth0
    ip -n "$router" addr replace "fd00:$i::1/64" dev "eth$i" nodad
    ip -n "$host" addr replace "fd00:$i::2/64" dev eth0 nodad
    ip -n "$host" route replace default via "10.$i.0.1"
    ip -n "$host" -6 route replace default via "fd00:$i::1"
done
