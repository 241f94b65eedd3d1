#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Removes the lab that misc/create_netns.sh makes; what isn't there is no error.
#
# usage: misc/clean_netns.sh [PREFIX]      default ns
set -eu

prefix=${1:-ns}
for i in 0 1 2 3; do
    [ ! -e "/run/netns/$prefix$i" ] || ip netns del "$prefix$i"
done
