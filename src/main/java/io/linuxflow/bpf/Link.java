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
 */
public record Link(int index, String name, LinkLayer layer, boolean loopback, boolean up) {}
