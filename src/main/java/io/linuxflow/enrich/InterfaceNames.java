// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import io.linuxflow.bpf.BpfException;
import io.linuxflow.bpf.Link;
import io.linuxflow.bpf.LinkMonitor;
import io.linuxflow.bpf.Links;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names and descriptions of the interfaces: columns {@code ingressInterfaceName}, {@code
 * egressInterfaceName}, {@code ingressInterfaceDescription}, {@code egressInterfaceDescription};
 * and {@code interfaceName} (82) and {@code interfaceDescription} (83) of the interface at which
 * the flow was metered.
 *
 * <p>The description is the alias that the administrator gave ({@code ip link set … alias}), else
 * the kind ({@code vlan}, {@code wireguard}), which hardware has none of.
 *
 * <p>The kernel is asked again only after it has said that something changed, and at most four
 * times a second. An interface that is gone keeps its last name for an hour: flows of it may still
 * be in the flow cache.
 */
public final class InterfaceNames implements Enrichment, AutoCloseable {

    private static final Logger LOG = LoggerFactory.getLogger(InterfaceNames.class);

    private static final long SHORTEST_INTERVAL = TimeUnit.MILLISECONDS.toNanos(250);
    private static final long PAUSE_AFTER_FAILURE = TimeUnit.MINUTES.toNanos(1);
    private static final long REMEMBER_GONE = TimeUnit.HOURS.toNanos(1);

    private final Map<String, Interfaces> namespaces = new ConcurrentHashMap<>();

    @Override
    public FlowBatch enrich(FlowBatch batch) {
        return batch.with(batch.once(this, () -> columns(batch)));
    }

    private List<Column> columns(FlowBatch batch) {
        Table table = namespaces.computeIfAbsent(batch.namespace(), Interfaces::new).table();
        int size = batch.size();
        ColumnWriter metered = new ColumnWriter("interfaceName", Column.Type.TEXT, size);
        ColumnWriter meteredText = new ColumnWriter("interfaceDescription", Column.Type.TEXT, size);
        ColumnWriter in = new ColumnWriter("ingressInterfaceName", Column.Type.TEXT, size);
        ColumnWriter out = new ColumnWriter("egressInterfaceName", Column.Type.TEXT, size);
        ColumnWriter inText =
                new ColumnWriter("ingressInterfaceDescription", Column.Type.TEXT, size);
        ColumnWriter outText =
                new ColumnWriter("egressInterfaceDescription", Column.Type.TEXT, size);
        byte[] records = batch.records();
        Names ingress = Names.NONE;
        Names egress = Names.NONE;
        for (int i = 0, at = 0; i < size; i++, at += FlowLayout.SIZE) {
            ingress =
                    table.get(
                            (int) FlowLayout.INT.get(records, at + FlowLayout.INGRESS_IFINDEX),
                            ingress);
            egress =
                    table.get(
                            (int) FlowLayout.INT.get(records, at + FlowLayout.EGRESS_IFINDEX),
                            egress);
            Names here = records[at + FlowLayout.DIRECTION] == 1 ? egress : ingress;
            metered.set(i, here.name);
            meteredText.set(i, here.description);
            in.set(i, ingress.name);
            inText.set(i, ingress.description);
            out.set(i, egress.name);
            outText.set(i, egress.description);
        }
        return ColumnWriter.columns(metered, meteredText, in, out, inText, outText);
    }

    @Override
    public void close() {
        namespaces
                .values()
                .removeIf(
                        interfaces -> {
                            interfaces.close();
                            return true;
                        });
    }

    /** An interface. */
    private record Names(int ifindex, byte[] name, byte[] description) {
        /** Of index 0, which is no interface: this host sent the packets, or took them in. */
        static final Names NONE = new Names(0, null, null);

        static Names of(Link link) {
            return new Names(
                    link.index(),
                    ColumnWriter.text(link.name()),
                    ColumnWriter.text(link.alias().isEmpty() ? link.kind() : link.alias()));
        }
    }

    /** Names in the order of their indexes. Immutable. */
    private record Table(int[] indexes, Names[] names) {

        static Table of(Map<Integer, Names> byIndex) {
            return new Table(
                    byIndex.keySet().stream().mapToInt(index -> index).toArray(),
                    byIndex.values().toArray(Names[]::new));
        }

        /**
         * @param guess what the flow before had: most often it is the same
         */
        Names get(int ifindex, Names guess) {
            if (ifindex == guess.ifindex) {
                return guess;
            }
            int at = Arrays.binarySearch(indexes, ifindex);
            return at < 0 ? Names.NONE : names[at];
        }
    }

    /** What is known of the interfaces of one namespace. */
    private static final class Interfaces {
        private final NetworkNamespace namespace;
        private final LinkMonitor monitor;
        private final Map<Integer, Names> known = new TreeMap<>();

        /** Since when those that are known are no longer there. */
        private final Map<Integer, Long> gone = new HashMap<>();

        private Table table;
        private boolean changed = true;
        private long next = System.nanoTime();

        Interfaces(String name) {
            namespace = NetworkNamespace.of(name);
            try {
                monitor = namespace.make(LinkMonitor::new);
            } catch (RuntimeException e) {
                namespace.close();
                throw e;
            }
        }

        synchronized Table table() {
            changed |= monitor.drain();
            long now = System.nanoTime();
            if (table == null || changed && now - next >= 0) {
                list(now);
            }
            return table;
        }

        private void list(long now) {
            try {
                List<Link> links = namespace.make(Links::list);
                known.keySet().forEach(index -> gone.putIfAbsent(index, now));
                for (Link link : links) {
                    known.put(link.index(), Names.of(link));
                    gone.remove(link.index());
                }
                gone.forEach(
                        (index, since) -> {
                            if (now - since > REMEMBER_GONE) {
                                known.remove(index);
                            }
                        });
                gone.keySet().retainAll(known.keySet());
                changed = false;
                next = now + SHORTEST_INTERVAL;
            } catch (BpfException e) {
                if (table == null) {
                    throw e;
                }
                LOG.warn("Names of interfaces stay as they were for now: {}", e.getMessage());
                next = now + PAUSE_AFTER_FAILURE;
            }
            table = Table.of(known);
        }

        synchronized void close() {
            monitor.close();
            namespace.close();
        }
    }
}
