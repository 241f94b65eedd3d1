// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import java.util.List;

/**
 * A route of the kernel's FIB.
 *
 * @param prefixLength of its destination, in bits
 * @param hops where it leads: one, or several that share the traffic; none if it leads nowhere
 */
public record Route(int prefixLength, List<Hop> hops) {

    /**
     * A next hop.
     *
     * @param ifindex the interface it is behind
     * @param gateway its address, 4 or 16 octets (an IPv4 route may lead to an IPv6 neighbour);
     *     null if the destination is itself on the link, or is this host
     */
    public record Hop(int ifindex, byte[] gateway) {}
}
