// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.Flow;

/**
 * Flows that have other Information Elements than the rest: addresses by IP version, and type and
 * code in place of ports. Each kind may get a Template of its own, in this order.
 */
enum FlowKind {
    IPV4("IPv4"),
    IPV6("IPv6"),
    ICMPV4("ICMPv4"),
    ICMPV6("ICMPv6");

    private final String text;

    FlowKind(String text) {
        this.text = text;
    }

    /**
     * @param ipVersion 4 or 6
     * @param protocol protocolIdentifier
     */
    static FlowKind of(int ipVersion, int protocol) {
        if (ipVersion == 4) {
            return protocol == Flow.ICMP ? ICMPV4 : IPV4;
        }
        return protocol == Flow.ICMPV6 ? ICMPV6 : IPV6;
    }

    @Override
    public String toString() {
        return text;
    }
}
