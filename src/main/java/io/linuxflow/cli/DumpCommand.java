// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.metering.InstalledMeters;
import java.io.PrintWriter;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Shows the flows that are in the kernel. */
@Command(
        name = "dump",
        mixinStandardHelpOptions = true,
        versionProvider = Flowctl.Version.class,
        description = {
            "Shows the flows that are in the kernel.",
            "Those that no exporter has taken yet, of all network namespaces or one. Takes nothing"
                    + " away.",
            "IFINDEX is that of the interface that metered the packets."
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

    private record Row(String namespace, Flow flow) {}

    @Spec private CommandSpec spec;

    @Option(names = "--netns", paramLabel = "NS", description = "only this network namespace")
    private String namespace;

    @Option(
            names = {"-i", "--ifindex"},
            paramLabel = "N",
            description = "only flows metered at the interface of this index")
    private Long ifindex;

    @Option(
            names = {"-p", "--proto"},
            paramLabel = "N",
            description = "only this protocol, by its IANA number or as tcp, udp, icmp, icmpv6")
    private String protocol;

    @Option(
            names = {"-s", "--src"},
            paramLabel = "ADDRESS[/LENGTH]",
            converter = Prefix.Converter.class,
            description = "only flows from this address or prefix")
    private Prefix source;

    @Option(
            names = {"-d", "--dst"},
            paramLabel = "ADDRESS[/LENGTH]",
            converter = Prefix.Converter.class,
            description = "only flows to this address or prefix")
    private Prefix destination;

    @Option(
            names = {"-S", "--sport"},
            paramLabel = "PORT",
            description = "only flows from this port")
    private Integer sourcePort;

    @Option(
            names = {"-D", "--dport"},
            paramLabel = "PORT",
            description = "only flows to this port")
    private Integer destinationPort;

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
        PrintWriter out = spec.commandLine().getOut();
        Predicate<Flow> wanted = filter();
        do {
            table(wanted).print(output.format, out);
            if (watch != null) {
                out.println();
                Thread.sleep((long) (watch * 1000));
            }
        } while (watch != null);
        return 0;
    }

    private Table table(Predicate<Flow> wanted) {
        List<Row> rows = new ArrayList<>();
        List<String> namespaces =
                namespace == null ? InstalledMeters.namespaces() : List.of(namespace);
        for (String each : namespaces) {
            for (FlowBatch batch : InstalledMeters.in(each).flows(0)) {
                for (Flow flow : batch) {
                    if (wanted.test(flow)) {
                        rows.add(new Row(each, flow));
                    }
                }
            }
        }
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
                                "MAXTTL");
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
                flow.maximumTTL());
    }

    private static long meteredAt(Flow flow) {
        return flow.flowDirection() == 0 ? flow.ingressInterface() : flow.egressInterface();
    }

    /** IPv6 addresses with a port are in brackets (RFC 5952, section 6). */
    private static String end(InetAddress address, int port) {
        return address instanceof Inet6Address
                ? "[" + Prefix.text(address) + "]:" + port
                : address.getHostAddress() + ":" + port;
    }

    private Predicate<Flow> filter() {
        Predicate<Flow> all = flow -> flow.packetDeltaCount() > 0;
        if (ifindex != null) {
            all = all.and(flow -> meteredAt(flow) == ifindex);
        }
        if (protocol != null) {
            int number = protocolNumber();
            all = all.and(flow -> flow.protocolIdentifier() == number);
        }
        if (source != null) {
            all = all.and(flow -> source.contains(flow.sourceAddress()));
        }
        if (destination != null) {
            all = all.and(flow -> destination.contains(flow.destinationAddress()));
        }
        if (sourcePort != null) {
            all = all.and(flow -> flow.sourceTransportPort() == sourcePort);
        }
        if (destinationPort != null) {
            all = all.and(flow -> flow.destinationTransportPort() == destinationPort);
        }
        return all;
    }

    private int protocolNumber() {
        return switch (protocol.toLowerCase(Locale.ROOT)) {
            case "icmp" -> Flow.ICMP;
            case "tcp" -> Flow.TCP;
            case "udp" -> 17;
            case "icmpv6" -> Flow.ICMPV6;
            default -> {
                if (!protocol.matches("\\d{1,3}")) {
                    throw new ParameterException(
                            spec.commandLine(),
                            "--proto: \""
                                    + protocol
                                    + "\" is neither a number nor tcp, udp, icmp or icmpv6");
                }
                yield Integer.parseInt(protocol);
            }
        };
    }
}
