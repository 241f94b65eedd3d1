// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

/**
 * What a flush has ended: flow records, and what they add up to.
 *
 * @param packets wire packets
 * @param octets IP octets
 */
public record Flushed(long flows, long packets, long octets) {

    public static final Flushed NONE = new Flushed(0, 0, 0);

    /** Both together. */
    public Flushed plus(Flushed other) {
        return new Flushed(flows + other.flows, packets + other.packets, octets + other.octets);
    }
}
