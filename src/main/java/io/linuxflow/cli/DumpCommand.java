// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.metering.UnexportedFlows;
import io.linuxflow.metering.UnexportedFlows.MeterFlows;
import java.io.PrintWriter;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.function.ToLongFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows the flows that are not exported yet. */
@Command(
        name = "dump",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        description = {
            "Shows the flows that are not exported yet.",
            "Those in the cache of a running exporter, and those in the kernel; of all network"
                    + " namespaces or one. Takes nothing away.",
            "IFINDEX is that of the interface that metered the packets. The other formats also"
                    + " tell when a flow began and had its last packet, its flowEndReason so far (3"
                    + " after a FIN or RST, else 0), whether it is in the kernel, the cache or"
                    + " both, and the process id of the exporter that has it (0: none)."
        })
final class DumpCommand implements Callable<Integer> {

    /** What --top sorts by. */
    enum By {
        bytes(Flow::octetDeltaCount),
        packets(Flow::packetDeltaCount);

        private final ToLongFunction<Flow> count;

        By(ToLongFunction<Flow> count) {
            this.count = count;
        }
    }

    /** Watching more often than that is no watching but a busy loop. */
    private static final double LEAST_SECONDS = 0.1;

    private record Row(String namespace, long exporter, Flow flow) {}

    @Spec private CommandSpec spec;

    @Mixin private FlowSelection selection;

    @Option(names = "--top", paramLabel = "N", description = "only the N largest flows")
    private Integer top;

    @Option(
            names = "--by",
            paramLabel = "COUNT",
            defaultValue = "bytes",
            description = "what makes a flow large: ${COMPLETION-CANDIDATES}; default bytes")
    private By by;

    @Option(
            names = "--watch",
            arity = "0..1",
            fallbackValue = "2",
            paramLabel = "SECONDS",
            description = "again and again, every 2 seconds or as given, until interrupted")
    private Double watch;

    @Mixin private Output output;

    @Override
    public Integer call() throws InterruptedException {
        if (top != null && top < 1) {
            throw new ParameterException(spec.commandLine(), "--top " + top + ": give 1 or more");
        }
        if (watch != null && !(watch >= LEAST_SECONDS)) {
            throw new ParameterException(
                    spec.commandLine(),
                    "--watch " + watch + ": give " + LEAST_SECONDS + " or more");
        }
        PrintWriter out = spec.commandLine().getOut();
        table().print(output.format, out);
        while (watch != null && !out.checkError()) {
            out.println();
            Thread.sleep((long) (watch * 1000));
            table().print(output.format, out);
        }
        return 0;
    }

    private Table table() {
        boolean times = output.format != Table.Format.table;
        List<Row> rows = new ArrayList<>();
        selection
                .byNamespace()
                .forEach(
                        (namespace, filter) -> {
                            for (MeterFlows meter :
                                    UnexportedFlows.in(namespace).flows(filter, times)) {
                                for (Flow flow : meter.flows()) {
                                    rows.add(new Row(namespace, meter.exporter(), flow));
                                }
                            }
                        });
        if (top != null) {
            rows.sort(
                    Comparator.comparingLong((Row row) -> by.count.applyAsLong(row.flow))
                            .reversed());
        }
        Table table =
                new Table()
                        .columns("IFINDEX", "PROTO", "SRC", "DST", "PKTS", "BYTES")
                        .wideColumns(
                                "NETNS",
                                "INGRESS",
                                "EGRESS",
                                "DIRECTION",
                                "ICMPTYPECODE",
                                "VLAN",
                                "MARK",
                                "TOS",
                                "TCPFLAGS",
                                "MINTTL",
                                "MAXTTL",
                                "START",
                                "END",
                                "ENDREASON",
                                "PLACE",
                                "EXPORTER");
        rows.stream().limit(top == null ? rows.size() : top).forEach(row -> add(table, row));
        return table;
    }

    private static void add(Table table, Row row) {
        Flow flow = row.flow;
        table.row(
                meteredAt(flow),
                flow.protocolIdentifier(),
                end(flow.sourceAddress(), flow.sourceTransportPort()),
                end(flow.destinationAddress(), flow.destinationTransportPort()),
                flow.packetDeltaCount(),
                flow.octetDeltaCount(),
                row.namespace,
                flow.ingressInterface(),
                flow.egressInterface(),
                flow.flowDirection() == 0 ? "ingress" : "egress",
                flow.icmpTypeCode(),
                flow.dot1qVlanId(),
                flow.mark(),
                flow.ipClassOfService(),
                flow.tcpControlBits(),
                flow.minimumTTL(),
                flow.maximumTTL(),
                time(flow.flowStartNanos()),
                time(flow.flowEndNanos()),
                flow.flowEndReason(),
                place(flow),
                row.exporter);
    }

    private static long meteredAt(Flow flow) {
        return flow.flowDirection() == 0 ? flow.ingressInterface() : flow.egressInterface();
    }

    /** IPv6 addresses with a port are in brackets (RFC 5952, section 6). */
    private static String end(InetAddress address, int port) {
        String text = IpAddress.text(address);
        return (address instanceof Inet6Address ? "[" + text + "]:" : text + ":") + port;
    }

    private static Instant time(long epochNanos) {
        return Instant.ofEpochSecond(0, epochNanos).truncatedTo(ChronoUnit.MILLIS);
    }

    private static String place(Flow flow) {
        byte[] place = flow.batch().column(UnexportedFlows.PLACE).value(flow.index());
        return new String(place, StandardCharsets.UTF_8);
    }
}
