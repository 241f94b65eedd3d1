// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import java.util.List;

/**
 * What a {@link Meter} is doing, at one moment.
 *
 * @param running whether it is started and not closed
 * @param interfaces every interface that is selected and there, metered or not
 * @param missing the interfaces that are selected by their full names and are not there
 * @param pairs what came in by one interface and left by another
 * @param totals of all interfaces, those that are gone included
 * @param epochs how often the slot log was flipped
 * @param earlyFlips how often because the slots were filling up
 * @param slotsUsed slots taken in the current epoch, of the fullest namespace
 * @param slots slots that an epoch has
 * @param cachedFlows flows in the flow cache, of all namespaces
 * @param uncachedFlows flow records handed out because the cache was full
 * @param discarded flow records thrown away because somebody asked for it
 * @param flows flow records handed out
 * @param lastDrainNanos how long the last drain took, waiting for full queues included
 * @param lastFlipNanos how long its flip waited for the kernel's grace period
 * @param failure why the meter has stopped by itself, null if it has not
 */
public record MeterStatus(
        boolean running,
        List<Interface> interfaces,
        List<String> missing,
        List<Pair> pairs,
        Counters totals,
        long epochs,
        long earlyFlips,
        int slotsUsed,
        int slots,
        int cachedFlows,
        long uncachedFlows,
        Flushed discarded,
        long flows,
        long lastDrainNanos,
        long lastFlipNanos,
        String failure) {

    /** What this meter has drained, of all pairs together. */
    public Traffic drained() {
        return pairs.stream().map(Pair::drained).reduce(Traffic.NONE, Traffic::plus);
    }

    /**
     * One interface at one hook.
     *
     * @param namespace its network namespace, empty for this process's own
     * @param ifindex its index there
     * @param direction ingress or egress
     * @param hook how the program is attached, "tcx" or "clsact"; null if it is not
     * @param problem why it is not attached, null if it is
     * @param counters what the program has seen there
     */
    public record Interface(
            String namespace,
            String name,
            int ifindex,
            String direction,
            String hook,
            String problem,
            Counters counters) {}

    /**
     * Two interfaces, and what came in by the one and left by the other.
     *
     * @param namespace their network namespace, empty for this process's own
     * @param ingressIfindex 0 for packets that this host sent
     * @param ingressName empty if there is no such interface
     * @param egressIfindex 0 for packets metered at ingress
     * @param egressName empty if there is no such interface
     * @param drained what was in the slots drained so far: by now it is in the flow cache, or in
     *     flow records that were handed out or discarded
     * @param overflow what found no free slot
     * @param latency how long packets took from the one to the other; null if it is not measured
     */
    public record Pair(
            String namespace,
            int ingressIfindex,
            String ingressName,
            int egressIfindex,
            String egressName,
            Traffic drained,
            Traffic overflow,
            Latency latency) {

        /** Whether it stands for all pairs whose interfaces are gone, or too many to tell apart. */
        public boolean isOthers() {
            return ingressIfindex < 0;
        }
    }

    /**
     * How long packets took from the ingress hook of the interface they came in by to the first
     * egress hook that they passed, {@code struct latency} of {@code bpf/flow.h}. That is what the
     * kernel does to forward them, and whatever holds them up there, from after GRO to before the
     * queue of the outgoing interface.
     *
     * @param nanoseconds of all measured packets together
     * @param packets measured; as on the wire, so the segments of an skb count one by one
     * @param unmeasured that left but had no stamp: they came in by an interface that is not
     *     metered, are copies that the kernel made, had left by another interface already (a VLAN
     *     over this one), or their stamp was overwritten
     */
    public record Latency(long nanoseconds, long packets, long unmeasured) {
        static final Latency NONE = new Latency(0, 0, 0);

        Latency plus(Latency other) {
            return new Latency(
                    nanoseconds + other.nanoseconds,
                    packets + other.packets,
                    unmeasured + other.unmeasured);
        }
    }

    /** Packets as on the wire, octets from the IP header on. */
    public record Traffic(long packets, long octets) {
        static final Traffic NONE = new Traffic(0, 0);

        Traffic plus(Traffic other) {
            return new Traffic(packets + other.packets, octets + other.octets);
        }

        Traffic minus(Traffic other) {
            return new Traffic(packets - other.packets, octets - other.octets);
        }
    }

    /**
     * What became of the packets that the programs were run for, as {@code struct
     * interface_counters} of {@code bpf/flow.h} has it.
     *
     * @param seen all of them
     * @param overflow that found no free slot
     * @param excluded of this exporter's own Transport Sessions
     * @param malformed whose IP header is cut short or contradicts itself
     * @param nonIp neither IPv4 nor IPv6
     */
    public record Counters(
            Traffic seen, Traffic overflow, Traffic excluded, Traffic malformed, Traffic nonIp) {

        static final Counters NONE =
                new Counters(Traffic.NONE, Traffic.NONE, Traffic.NONE, Traffic.NONE, Traffic.NONE);

        /** Those that are in a flow record, or will be once their epoch is drained. */
        public Traffic metered() {
            return seen.minus(overflow).minus(excluded).minus(malformed).minus(nonIp);
        }

        Counters plus(Counters other) {
            return new Counters(
                    seen.plus(other.seen),
                    overflow.plus(other.overflow),
                    excluded.plus(other.excluded),
                    malformed.plus(other.malformed),
                    nonIp.plus(other.nonIp));
        }
    }
}
