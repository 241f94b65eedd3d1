// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.bpf.Route;
import io.linuxflow.bpf.RouteMonitor;
import io.linuxflow.bpf.Routes;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;

/**
 * What the kernel's routing tables have for the addresses of a flow: columns {@code
 * sourceIPv4PrefixLength} (9), {@code destinationIPv4PrefixLength} (13), {@code
 * sourceIPv6PrefixLength} (29), {@code destinationIPv6PrefixLength} (30); and {@code
 * ipNextHopIPv4Address} (15) or {@code ipNextHopIPv6Address} (62), where the route to the
 * destination leads.
 *
 * <p>A next hop is 0.0.0.0 or :: if the destination is on the link or is this host, as routers have
 * always exported it. Of a route of several hops it is the one behind the interface that the flow
 * left by; where that does not tell, there is none.
 *
 * <p>Routes are looked up for the destination address and, for destinations, the skb mark; rules
 * that ask for more, and VRFs, are not seen. An address is looked up when it is first seen, so the
 * first record has the right values; that takes some microseconds, and a quarter of the time at
 * most: in a flood of new addresses flows go without, and are counted. Answers are kept for five
 * minutes, and no longer than routes stay as they are.
 */
public final class Fib implements Enrichment, Lookups.Source, AutoCloseable {

    private static final int CAPACITY = 1 << 16;
    private static final long LIFETIME = TimeUnit.MINUTES.toNanos(5);

    /** Under BGP routes change all the time; a cache that is always empty is none. */
    private static final long SHORTEST_INTERVAL = TimeUnit.SECONDS.toNanos(1);

    /** The share of the time that lookups may take, and how much of it may be saved up. */
    private static final int SHARE = 4;

    private static final long MOST_SAVED = TimeUnit.MILLISECONDS.toNanos(500);

    /** Addresses between two looks at the clock. */
    private static final int AT_ONCE = 256;

    private static final byte[] ON_LINK = new byte[4];
    private static final byte[] ON_LINK_IPV6 = new byte[16];

    private final Map<String, Routing> namespaces = new ConcurrentHashMap<>();
    private final LongAdder hits = new LongAdder();
    private final LongAdder misses = new LongAdder();
    private final LongAdder dropped = new LongAdder();

    @Override
    public FlowBatch enrich(FlowBatch batch) {
        return batch.with(batch.once(this, () -> columns(batch)));
    }

    private List<Column> columns(FlowBatch batch) {
        Routing routing = namespaces.computeIfAbsent(batch.namespace(), Routing::new);
        long now = System.nanoTime();
        routing.followChanges(now);
        boolean mayLookUp = routing.mayLookUp();
        Writer writer = new Writer(batch);
        List<Miss> missing = new ArrayList<>();
        int known = 0;
        int unknown = 0;
        byte[] records = batch.records();
        for (int i = 0, at = 0; i < batch.size(); i++, at += FlowLayout.SIZE) {
            boolean ipv4 = records[at + FlowLayout.IP_VERSION] == 4;
            int mark = (int) FlowLayout.INT.get(records, at + FlowLayout.MARK);
            for (int which = 0; which < 2; which++) {
                boolean source = which == 0;
                int address =
                        at + (source ? FlowLayout.SOURCE_ADDRESS : FlowLayout.DESTINATION_ADDRESS);
                long high = Addresses.high(records, address);
                long low = Addresses.low(records, address);
                if (Addresses.isIpv4(high, low) != ipv4) {
                    continue;
                }
                int tag = source ? 0 : mark;
                AddressCache.Entry<Found> entry = routing.cache.find(high, low, tag);
                if (entry != null && !entry.isExpired(now)) {
                    writer.set(i, source, entry.value());
                    known++;
                } else if (mayLookUp) {
                    missing.add(new Miss(i, source, new Key(high, low, tag)));
                } else {
                    unknown++;
                }
            }
        }
        hits.add(known);
        misses.add(missing.size() + unknown);
        if (!missing.isEmpty()) {
            Map<Key, Found> found = routing.lookUp(missing, now);
            for (Miss miss : missing) {
                Found answer = found.get(miss.key);
                if (answer == null) {
                    unknown++;
                } else {
                    writer.set(miss.flow, miss.source, answer);
                }
            }
        }
        dropped.add(unknown);
        return writer.columns();
    }

    @Override
    public Lookups lookups() {
        long cached = namespaces.values().stream().mapToLong(each -> each.cache.size()).sum();
        return new Lookups(cached, hits.sum(), misses.sum(), 0, dropped.sum(), 0);
    }

    @Override
    public void close() {
        namespaces
                .values()
                .removeIf(
                        routing -> {
                            routing.close();
                            return true;
                        });
    }

    private record Key(long high, long low, int mark) {}

    /** An address of a flow that is to be looked up. */
    private record Miss(int flow, boolean source, Key key) {}

    /** A next hop. */
    private record Hop(int ifindex, byte[] gateway) {}

    /**
     * The answer for an address.
     *
     * @param prefixLength null if there is no route
     */
    private record Found(byte[] prefixLength, Hop[] hops) {

        private static final Found NOTHING = new Found(null, new Hop[0]);

        static Found of(Route route, boolean ipv4) {
            return route == null
                    ? NOTHING
                    : new Found(
                            new byte[] {(byte) route.prefixLength()},
                            route.hops().stream()
                                    .map(hop -> new Hop(hop.ifindex(), gateway(hop, ipv4)))
                                    .toArray(Hop[]::new));
        }

        private static byte[] gateway(Route.Hop hop, boolean ipv4) {
            return hop.gateway() != null ? hop.gateway() : ipv4 ? ON_LINK : ON_LINK_IPV6;
        }

        /** Null if it can't be told. */
        byte[] nextHop(int egressIfindex) {
            if (hops.length == 1) {
                return hops[0].gateway;
            }
            byte[] only = null;
            for (Hop hop : hops) {
                if (hop.ifindex == egressIfindex) {
                    if (only != null) {
                        return null;
                    }
                    only = hop.gateway;
                }
            }
            return only;
        }
    }

    /** The columns in the making. */
    private static final class Writer {
        private final byte[] records;
        private final ColumnWriter source;
        private final ColumnWriter destination;
        private final ColumnWriter sourceIpv6;
        private final ColumnWriter destinationIpv6;
        private final ColumnWriter nextHop;
        private final ColumnWriter nextHopIpv6;

        Writer(FlowBatch batch) {
            records = batch.records();
            int size = batch.size();
            Column.Type number = Column.Type.UNSIGNED;
            source = new ColumnWriter("sourceIPv4PrefixLength", number, size);
            destination = new ColumnWriter("destinationIPv4PrefixLength", number, size);
            sourceIpv6 = new ColumnWriter("sourceIPv6PrefixLength", number, size);
            destinationIpv6 = new ColumnWriter("destinationIPv6PrefixLength", number, size);
            Column.Type address = Column.Type.ADDRESS;
            nextHop = new ColumnWriter("ipNextHopIPv4Address", address, size);
            nextHopIpv6 = new ColumnWriter("ipNextHopIPv6Address", address, size);
        }

        void set(int flow, boolean isSource, Found found) {
            int at = flow * FlowLayout.SIZE;
            boolean ipv4 = records[at + FlowLayout.IP_VERSION] == 4;
            if (isSource) {
                (ipv4 ? source : sourceIpv6).set(flow, found.prefixLength);
            } else {
                (ipv4 ? destination : destinationIpv6).set(flow, found.prefixLength);
                int egress = (int) FlowLayout.INT.get(records, at + FlowLayout.EGRESS_IFINDEX);
                byte[] gateway = found.nextHop(egress);
                if (gateway != null) {
                    (gateway.length == 4 ? nextHop : nextHopIpv6).set(flow, gateway);
                }
            }
        }

        List<Column> columns() {
            return ColumnWriter.columns(
                    source, destination, sourceIpv6, destinationIpv6, nextHop, nextHopIpv6);
        }
    }

    /** The routing of one namespace. */
    private static final class Routing {
        private final AddressCache<Found> cache = new AddressCache<>(CAPACITY);
        private final RouteMonitor monitor;
        private final Routes routes;
        private boolean changed;
        private long nextClear = System.nanoTime();
        private long allowance = MOST_SAVED;
        private long allowedAt = System.nanoTime();

        Routing(String name) {
            try (NetworkNamespace namespace = NetworkNamespace.of(name)) {
                monitor = namespace.make(RouteMonitor::new);
                try {
                    routes = namespace.make(Routes::new);
                } catch (RuntimeException e) {
                    monitor.close();
                    throw e;
                }
            }
        }

        /** Forgets what may no longer be so. */
        synchronized void followChanges(long now) {
            changed |= monitor.drain();
            if (changed && now - nextClear >= 0) {
                cache.clear();
                changed = false;
                nextClear = now + SHORTEST_INTERVAL;
            }
        }

        /** Whether there is time to look addresses up. */
        synchronized boolean mayLookUp() {
            long now = System.nanoTime();
            allowance = Math.min(MOST_SAVED, allowance + (now - allowedAt) / SHARE);
            allowedAt = now;
            return allowance > 0;
        }

        /** The answers; those are missing for which there was no time. */
        synchronized Map<Key, Found> lookUp(List<Miss> missing, long now) {
            Map<Key, Found> found = new HashMap<>();
            missing.forEach(miss -> found.put(miss.key, null));
            List<Key> keys = List.copyOf(found.keySet());
            for (int from = 0; from < keys.size() && allowance > 0; from += AT_ONCE) {
                long begin = System.nanoTime();
                lookUp(keys.subList(from, Math.min(keys.size(), from + AT_ONCE)), found, now);
                allowance -= System.nanoTime() - begin;
            }
            return found;
        }

        private void lookUp(List<Key> keys, Map<Key, Found> found, long now) {
            List<Routes.Query> queries =
                    keys.stream()
                            .map(
                                    key ->
                                            new Routes.Query(
                                                    Addresses.octets(key.high, key.low), key.mark))
                            .toList();
            List<Route> answers = routes.lookUp(queries);
            for (int i = 0; i < keys.size(); i++) {
                Key key = keys.get(i);
                Found answer = Found.of(answers.get(i), Addresses.isIpv4(key.high, key.low));
                found.put(key, answer);
                cache.put(key.high, key.low, key.mark, answer, now + LIFETIME);
            }
        }

        synchronized void close() {
            monitor.close();
            routes.close();
        }
    }
}
