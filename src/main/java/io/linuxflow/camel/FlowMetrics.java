// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.enrich.AsTable;
import io.linuxflow.enrich.CommandHook;
import io.linuxflow.enrich.Lookups;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.metering.MeterStatus;
import io.linuxflow.metering.MeterStatus.Counters;
import io.linuxflow.metering.MeterStatus.Traffic;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import java.net.InetSocketAddress;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.apache.camel.CamelContext;

/**
 * What the meters and sinks of a CamelContext count, as Micrometer meters. {@link #refresh} reads
 * it; between two refreshes nothing is done, so it costs the packets and flows nothing.
 *
 * <p>The tables in the constructor are the one list of all series. Those with {@code pkts} and
 * {@code bytes} in their names are the Go linux-flow-exporter's, so they are gauges, as there; the
 * octets are of IP, though, where it has those of Ethernet.
 *
 * <p>For one thread at a time.
 */
final class FlowMetrics {

    private static final String PREFIX = "linux.flow.exporter.";

    private record MeterRow(String meter, MeterStatus status) {}

    private record InterfaceRow(String meter, MeterStatus.Interface at) {}

    private record MissingRow(String meter, String name) {}

    private record PairRow(String meter, MeterStatus.Pair pair) {}

    private record SinkRow(String meter, EbpfFlowmapConsumer consumer) {}

    private record CollectorRow(InetSocketAddress collector, IpfixDatagramEncoder.Sent sent) {}

    private record DataFormatRow(String name, IpfixDataFormat format) {}

    private record HookRow(String name, CommandHook hook) {}

    private record EnrichmentRow(String enrichment, long failedFlows) {}

    private record LookupsRow(String enrichment, Lookups lookups) {}

    private record TableRow(String enrichment, AsTable.Status table) {}

    /** What may become of a packet. Those seen that are none of the others are metered. */
    private record Fate(String name, String description, Function<Counters, Traffic> traffic) {}

    private static final List<Fate> FATES =
            List.of(
                    new Fate("seen", "all that the program was run for", Counters::seen),
                    new Fate("overflow", "found no free slot", Counters::overflow),
                    new Fate("excluded", "the exporter's own IPFIX", Counters::excluded),
                    new Fate("malformed", "IP header cut short or wrong", Counters::malformed),
                    new Fate("non.ip", "neither IPv4 nor IPv6", Counters::nonIp));

    private final CamelContext camelContext;
    private final MeterRows<PairRow> pairs;
    private final MeterRows<PairRow> latencies;
    private final MeterRows<MeterRow> meters;
    private final MeterRows<InterfaceRow> interfaces;
    private final MeterRows<MissingRow> missing;
    private final MeterRows<SinkRow> sinks;
    private final MeterRows<CollectorRow> collectors;
    private final MeterRows<DataFormatRow> dataFormats;
    private final MeterRows<HookRow> hooks;
    private final MeterRows<EnrichmentRow> enrichments;
    private final MeterRows<LookupsRow> lookups;
    private final MeterRows<TableRow> tables;

    FlowMetrics(CamelContext camelContext, MeterRegistry registry) {
        this.camelContext = camelContext;
        pairs =
                new MeterRows<PairRow>(registry, FlowMetrics::tags)
                        .gauge(
                                PREFIX + "total.pkts",
                                "Packets in drained flows, exported yet or not, and overflow",
                                r -> r.pair.drained().packets() + r.pair.overflow().packets())
                        .gauge(
                                PREFIX + "total.bytes",
                                "IP octets in drained flows, exported yet or not, and overflow",
                                r -> r.pair.drained().octets() + r.pair.overflow().octets())
                        .gauge(
                                PREFIX + "overflow.pkts",
                                "Packets that found no free slot",
                                r -> r.pair.overflow().packets())
                        .gauge(
                                PREFIX + "overflow.bytes",
                                "IP octets of packets that found no free slot",
                                r -> r.pair.overflow().octets());
        latencies =
                new MeterRows<PairRow>(registry, FlowMetrics::tags)
                        .gauge(
                                PREFIX + "total.latency.nanoseconds",
                                "From ingress to egress hook, all measured packets together",
                                r -> r.pair.latency().nanoseconds())
                        .counter(
                                PREFIX + "latency.packets",
                                "Packets whose latency was measured",
                                r -> r.pair.latency().packets())
                        .counter(
                                PREFIX + "latency.unmeasured.packets",
                                "Packets whose latency could not be measured",
                                r -> r.pair.latency().unmeasured());
        meters =
                new MeterRows<MeterRow>(registry, r -> Tags.of("meter", r.meter))
                        .gauge(
                                PREFIX + "meter.running",
                                "1 while the meter runs",
                                r -> r.status.running() ? 1 : 0)
                        .counter(
                                PREFIX + "flows",
                                "Flow records handed out to the sinks",
                                r -> r.status.flows())
                        .counter(
                                PREFIX + "epochs",
                                "Drains: how often the slot log was flipped",
                                r -> r.status.epochs())
                        .counter(
                                PREFIX + "early.flips",
                                "Drains that came early, because the slots were filling up",
                                r -> r.status.earlyFlips())
                        .gauge(
                                PREFIX + "slots",
                                "Flows that an epoch has room for",
                                r -> r.status.slots())
                        .gauge(
                                PREFIX + "slots.used",
                                "Slots taken in the current epoch, of the fullest namespace",
                                r -> r.status.slotsUsed())
                        .gauge(
                                PREFIX + "cached.flows",
                                "Flows in the flow cache",
                                r -> r.status.cachedFlows())
                        .counter(
                                PREFIX + "uncached.flows",
                                "Flow records handed out because the flow cache was full",
                                r -> r.status.uncachedFlows())
                        .counter(
                                PREFIX + "discarded.flows",
                                "Flow records thrown away because flowctl asked for it",
                                r -> r.status.discarded().flows())
                        .counter(
                                PREFIX + "discarded.packets",
                                "Packets in flow records that were thrown away",
                                r -> r.status.discarded().packets())
                        .counter(
                                PREFIX + "discarded.octets",
                                "Octets in flow records that were thrown away",
                                r -> r.status.discarded().octets())
                        .gauge(
                                PREFIX + "last.flip.seconds",
                                "How long the last flip waited for the kernel",
                                r -> seconds(r.status.lastFlipNanos()))
                        .gauge(
                                PREFIX + "last.drain.seconds",
                                "How long the last drain took, waiting for full queues included",
                                r -> seconds(r.status.lastDrainNanos()));
        interfaces =
                new MeterRows<InterfaceRow>(registry, FlowMetrics::tags)
                        .gauge(
                                PREFIX + "interface.attached",
                                "1 if the program is attached, 0 if it can't be",
                                r -> r.at.problem() == null ? 1 : 0);
        for (Fate fate : FATES) {
            meters.counter(
                            PREFIX + fate.name + ".packets",
                            "Packets of all interfaces, past ones too: " + fate.description,
                            r -> fate.traffic.apply(r.status.totals()).packets())
                    .counter(
                            PREFIX + fate.name + ".octets",
                            "Octets of all interfaces, past ones too: " + fate.description,
                            r -> fate.traffic.apply(r.status.totals()).octets());
            interfaces
                    .counter(
                            PREFIX + "interface." + fate.name + ".packets",
                            "Packets of the interface: " + fate.description,
                            r -> fate.traffic.apply(r.at.counters()).packets())
                    .counter(
                            PREFIX + "interface." + fate.name + ".octets",
                            "Octets of the interface: " + fate.description,
                            r -> fate.traffic.apply(r.at.counters()).octets());
        }
        missing =
                new MeterRows<MissingRow>(
                                registry, r -> Tags.of("meter", r.meter, "interface", r.name))
                        .gauge(
                                PREFIX + "interface.missing",
                                "1 while an interface that is to be metered is not there",
                                r -> 1);
        sinks =
                new MeterRows<SinkRow>(
                                registry,
                                r -> Tags.of("meter", r.meter, "sink", r.consumer.getRouteId()))
                        .counter(
                                PREFIX + "sink.exported.flows",
                                "Flows in exchanges that the route completed",
                                r -> r.consumer.getExportedFlows())
                        .counter(
                                PREFIX + "sink.failed.flows",
                                "Flows in exchanges that failed",
                                r -> r.consumer.getFailedFlows())
                        .counter(
                                PREFIX + "sink.dropped.flows",
                                "Flows that found the sink's queue full",
                                r -> r.consumer.getDroppedFlows())
                        .gauge(
                                PREFIX + "sink.queued.flows",
                                "Flows that wait in the sink's queue",
                                r -> r.consumer.getQueuedFlows())
                        .gauge(
                                PREFIX + "sink.queue.capacity.flows",
                                "The most flows that wait in the sink's queue",
                                r ->
                                        r.consumer
                                                .getEndpoint()
                                                .getConfiguration()
                                                .getQueueCapacity());
        collectors =
                new MeterRows<CollectorRow>(registry, r -> Tags.of("collector", label(r.collector)))
                        .counter(
                                PREFIX + "ipfix.messages",
                                "IPFIX Messages sent by UDP",
                                r -> r.sent.messages.sum())
                        .counter(
                                PREFIX + "ipfix.octets",
                                "Octets of the IPFIX Messages sent by UDP",
                                r -> r.sent.octets.sum())
                        .counter(
                                PREFIX + "ipfix.failed.messages",
                                "IPFIX Messages that could not be sent by UDP",
                                r -> r.sent.failedMessages.sum())
                        .counter(
                                PREFIX + "ipfix.refusals",
                                "Batches before which the collector was found not to listen",
                                r -> r.sent.refusals.total());
        dataFormats =
                new MeterRows<DataFormatRow>(registry, r -> Tags.of("dataFormat", r.name))
                        .counter(
                                PREFIX + "ipfix.capped.values",
                                "Values too large for their field, exported as the largest",
                                r -> r.format.getCappedValues())
                        .counter(
                                PREFIX + "ipfix.cut.texts",
                                "Texts exported in part for want of room",
                                r -> r.format.getCutTexts())
                        .counter(
                                PREFIX + "ipfix.read.messages",
                                "IPFIX Messages read",
                                r -> r.format.getMessages())
                        .counter(
                                PREFIX + "ipfix.malformed.messages",
                                "Messages that could not be read",
                                r -> r.format.getMalformedMessages())
                        .counter(
                                PREFIX + "ipfix.read.records",
                                "Data Records read",
                                r -> r.format.getRecords())
                        .counter(
                                PREFIX + "ipfix.undecoded.sets",
                                "Sets read whose Template was not known",
                                r -> r.format.getUndecodedSets())
                        .counter(
                                PREFIX + "ipfix.lost.records",
                                "Data Records that never came, by the sequence numbers",
                                r -> r.format.getLostRecords());
        hooks =
                new MeterRows<HookRow>(registry, r -> Tags.of("hook", r.name))
                        .counter(
                                PREFIX + "hook.runs",
                                "How often the program of the hook was run",
                                r -> r.hook.runs())
                        .counter(
                                PREFIX + "hook.failures",
                                "How often the program of the hook failed",
                                r -> r.hook.failures())
                        .counter(
                                PREFIX + "hook.seconds",
                                "How long the program of the hook ran, all runs together",
                                r -> seconds(r.hook.nanos()))
                        .counter(
                                PREFIX + "hook.failed.flows",
                                "Flows that went on as they were because the hook failed",
                                r -> r.hook.failedFlows())
                        .counter(
                                PREFIX + "hook.dropped.flows",
                                "Flows that the hook did not return",
                                r -> r.hook.droppedFlows())
                        .counter(
                                PREFIX + "hook.added.flows",
                                "Flows that the hook returned and was not given",
                                r -> r.hook.addedFlows());
        enrichments =
                new MeterRows<EnrichmentRow>(registry, r -> Tags.of("enrichment", r.enrichment))
                        .counter(
                                PREFIX + "enrichment.failed.flows",
                                "Flows that went on without it, because it failed",
                                r -> r.failedFlows);
        lookups =
                new MeterRows<LookupsRow>(registry, r -> Tags.of("enrichment", r.enrichment))
                        .gauge(
                                PREFIX + "enrichment.cached.addresses",
                                "Addresses of which it keeps the answer",
                                r -> r.lookups.cached())
                        .counter(
                                PREFIX + "enrichment.hits",
                                "Addresses of flows that it had the answer of",
                                r -> r.lookups.hits())
                        .counter(
                                PREFIX + "enrichment.misses",
                                "Addresses of flows that it did not have the answer of",
                                r -> r.lookups.misses())
                        .gauge(
                                PREFIX + "enrichment.pending.lookups",
                                "Addresses that wait to be looked up",
                                r -> r.lookups.pending())
                        .counter(
                                PREFIX + "enrichment.dropped.lookups",
                                "Addresses not looked up, for want of time or of room to wait",
                                r -> r.lookups.dropped())
                        .counter(
                                PREFIX + "enrichment.failed.lookups",
                                "Lookups that nobody answered",
                                r -> r.lookups.failed());
        tables =
                new MeterRows<TableRow>(registry, r -> Tags.of("enrichment", r.enrichment))
                        .gauge(
                                PREFIX + "enrichment.table.prefixes",
                                "Prefixes in its table",
                                r -> r.table.prefixes())
                        .gauge(
                                PREFIX + "enrichment.table.age.seconds",
                                "How long ago the file of its table was written",
                                r ->
                                        (System.currentTimeMillis() - r.table.modified())
                                                / (double) TimeUnit.SECONDS.toMillis(1))
                        .counter(
                                PREFIX + "enrichment.table.failures",
                                "How often the file had changed and could not be read",
                                r -> r.table.failures());
    }

    private static double seconds(long nanos) {
        return (double) nanos / TimeUnit.SECONDS.toNanos(1);
    }

    private static Tags tags(InterfaceRow row) {
        return Tags.of(
                "meter",
                row.meter,
                "netns",
                row.at.namespace(),
                "interface",
                row.at.name(),
                "ifindex",
                String.valueOf(row.at.ifindex()),
                "direction",
                row.at.direction());
    }

    private static Tags tags(PairRow row) {
        MeterStatus.Pair pair = row.pair;
        return Tags.of(
                "meter",
                row.meter,
                "netns",
                pair.namespace(),
                "ingressIfindex",
                pair.isOthers() ? "other" : String.valueOf(pair.ingressIfindex()),
                "egressIfindex",
                pair.isOthers() ? "other" : String.valueOf(pair.egressIfindex()),
                "ingressInterfaceName",
                pair.ingressName(),
                "egressInterfaceName",
                pair.egressName());
    }

    private static String label(InetSocketAddress collector) {
        String address = IpAddress.text(collector.getAddress());
        return (address.contains(":") ? "[" + address + "]" : address) + ":" + collector.getPort();
    }

    /** Reads everything now. */
    void refresh() {
        List<MeterRow> meterRows = new ArrayList<>();
        List<InterfaceRow> interfaceRows = new ArrayList<>();
        List<MissingRow> missingRows = new ArrayList<>();
        List<PairRow> pairRows = new ArrayList<>();
        List<SinkRow> sinkRows = new ArrayList<>();
        for (SharedMeter meter : sharedMeters()) {
            String name = meter.name();
            MeterStatus status = meter.status();
            meterRows.add(new MeterRow(name, status));
            status.interfaces().forEach(at -> interfaceRows.add(new InterfaceRow(name, at)));
            status.missing().forEach(which -> missingRows.add(new MissingRow(name, which)));
            status.pairs().forEach(pair -> pairRows.add(new PairRow(name, pair)));
            meter.consumers().forEach(consumer -> sinkRows.add(new SinkRow(name, consumer)));
        }
        meters.show(meterRows);
        interfaces.show(interfaceRows);
        missing.show(missingRows);
        pairs.show(pairRows);
        latencies.show(pairRows.stream().filter(r -> r.pair.latency() != null).toList());
        sinks.show(sinkRows);
        List<CollectorRow> collectorRows = new ArrayList<>();
        camelContext
                .getRegistry()
                .findByType(IpfixDatagramEncoder.class)
                .forEach(
                        encoder ->
                                encoder.sent()
                                        .forEach(
                                                (collector, sent) ->
                                                        collectorRows.add(
                                                                new CollectorRow(
                                                                        collector, sent))));
        collectors.show(collectorRows);
        dataFormats.show(
                camelContext
                        .getRegistry()
                        .findByTypeWithName(IpfixDataFormat.class)
                        .entrySet()
                        .stream()
                        .map(entry -> new DataFormatRow(entry.getKey(), entry.getValue()))
                        .toList());
        hooks.show(
                camelContext.getRegistry().findByTypeWithName(CommandHook.class).entrySet().stream()
                        .filter(entry -> entry.getValue().isOn())
                        .map(entry -> new HookRow(entry.getKey(), entry.getValue()))
                        .toList());
        showEnrichments();
    }

    private void showEnrichments() {
        Map<String, EnrichmentRow> rows = new TreeMap<>();
        List<LookupsRow> lookupsRows = new ArrayList<>();
        List<TableRow> tableRows = new ArrayList<>();
        for (Enricher enricher : camelContext.getRegistry().findByType(Enricher.class)) {
            for (Enricher.Step step : enricher.steps()) {
                String name = step.name();
                rows.merge(
                        name,
                        new EnrichmentRow(name, step.failedFlows()),
                        (one, other) ->
                                new EnrichmentRow(name, one.failedFlows + other.failedFlows));
                if (step.enrichment() instanceof Lookups.Source source) {
                    lookupsRows.add(new LookupsRow(name, source.lookups()));
                }
                if (step.enrichment() instanceof AsTable table && table.status() != null) {
                    tableRows.add(new TableRow(name, table.status()));
                }
            }
        }
        enrichments.show(rows.values());
        lookups.show(lookupsRows);
        tables.show(tableRows);
    }

    private Collection<SharedMeter> sharedMeters() {
        return camelContext.hasComponent("ebpf-flowmap") instanceof EbpfFlowmapComponent component
                ? component.meters()
                : List.of();
    }
}
