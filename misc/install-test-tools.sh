#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Installs what building and testing takes on Debian 12 or newer.
set -eu

packages="
    default-jdk-headless maven make clang libbpf1 libbpf-dev gcc
    iproute2 iputils-ping iperf3 tcpdump
    jq logrotate nfdump pmacct tshark
"

if [ "$(id -u)" -ne 0 ]; then
    # shellcheck disable=SC2086
    echo "install-test-tools.sh: as root: apt-get install" $packages >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
apt-get -q update
# shellcheck disable=SC2086
apt-get -q install -y --no-install-recommends $packages
