// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

/**
 * A network interface.
 *
 * @param index its ifIndex, unique in its namespace
 * @param name its name
 * @param layer what its packets start with
 * @param loopback whether it is a loopback device
 * @param up whether it is administratively up
 * @param alias what the administrator calls it ({@code ip link set … alias}), empty if nothing
 * @param kind what {@code ip link add type} made, such as {@code vlan}; empty for hardware
 */
public record Link(
        int index,
        String name,
        LinkLayer layer,
        boolean loopback,
        boolean up,
        String alias,
        String kind) {}
