// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.cli;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowFilter;
import io.linuxflow.flow.Prefix;
import io.linuxflow.metering.InstalledMeters;
import io.linuxflow.metering.InterfaceSelection;
import io.linuxflow.metering.UnexportedFlows;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.TypeConversionException;

/** The options that say which flows are meant. */
final class FlowSelection {

    private static final String PORT = "PORT";

    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

    @Option(names = "--netns", paramLabel = "NS", description = "only in this network namespace")
    private String namespace;

    @Option(
            names = {"-i", "--ifindex", "--interface"},
            paramLabel = "N|[NETNS:]DEV",
            split = ",",
            description =
                    "only flows metered at this interface: its index, or its name, which may be a"
                            + " glob; may be repeated")
    private List<String> interfaces = new ArrayList<>();

    @Option(
            names = {"-p", "--proto"},
            paramLabel = "N",
            converter = Protocol.class,
            description = "only this protocol, by its IANA number or as tcp, udp, icmp, icmpv6")
    private Integer protocol;

    @Option(
            names = {"-s", "--saddr", "--src"},
            paramLabel = "ADDRESS[/LENGTH]",
            converter = Address.class,
            description = "only flows from this address or prefix")
    private Prefix source;

    @Option(
            names = {"-S", "--sport"},
            paramLabel = PORT,
            converter = Port.class,
            description = "only flows from this port")
    private Integer sourcePort;

    @Option(
            names = {"-d", "--daddr", "--dst"},
            paramLabel = "ADDRESS[/LENGTH]",
            converter = Address.class,
            description = "only flows to this address or prefix")
    private Prefix destination;

    @Option(
            names = {"-D", "--dport"},
            paramLabel = PORT,
            converter = Port.class,
            description = "only flows to this port")
    private Integer destinationPort;

    /** Whether anything is said of the flows themselves. */
    boolean isGiven() {
        return !filter(null).equals(FlowFilter.ALL) || !interfaces.isEmpty();
    }

    /** Which flows are meant, by the namespaces that may have some. */
    Map<String, FlowFilter> byNamespace() {
        Set<Integer> indexes = new HashSet<>();
        Map<String, InterfaceSelection> names = new LinkedHashMap<>();
        for (String item : interfaces) {
            if (item.matches("\\d+")) {
                indexes.add(index(item));
            } else {
                names.put(item, selection(item));
            }
        }
        Set<String> unknown = new HashSet<>(names.keySet());
        Map<String, FlowFilter> filters = new LinkedHashMap<>();
        for (String each : namespace == null ? InstalledMeters.namespaces() : List.of(namespace)) {
            Set<Integer> meant = new HashSet<>(indexes);
            UnexportedFlows meters = UnexportedFlows.in(each);
            names.forEach(
                    (item, selection) -> {
                        Set<Integer> found = interfaces(meters, each, item, selection);
                        if (!found.isEmpty()) {
                            unknown.remove(item);
                            meant.addAll(found);
                        }
                    });
            if (interfaces.isEmpty()) {
                filters.put(each, filter(null));
            } else if (!meant.isEmpty()) {
                filters.put(each, filter(meant));
            }
        }
        if (!unknown.isEmpty()) {
            throw new IllegalArgumentException(
                    "no interface "
                            + unknown.stream().sorted().collect(Collectors.joining(", "))
                            + (namespace == null ? "" : " in " + namespace));
        }
        return filters;
    }

    /** A name without a namespace means the interfaces of that name wherever flows are meant. */
    private static Set<Integer> interfaces(
            UnexportedFlows meters, String in, String item, InterfaceSelection selection) {
        return item.contains(":")
                ? selection.namespaces().contains(in) ? meters.interfaces(selection) : Set.of()
                : meters.interfaces(
                        InterfaceSelection.parse(in.isEmpty() ? item : in + ":" + item));
    }

    private FlowFilter filter(Set<Integer> ifindexes) {
        return new FlowFilter(
                ifindexes,
                protocol == null ? FlowFilter.ANY : protocol,
                source,
                port(sourcePort),
                destination,
                port(destinationPort));
    }

    private static int port(Integer port) {
        return port == null ? FlowFilter.ANY : port;
    }

    private int index(String text) {
        try {
            return Integer.parseInt(text);
        } catch (NumberFormatException e) {
            throw new ParameterException(
                    command.commandLine(), "--ifindex: " + text + " is no interface's index");
        }
    }

    private InterfaceSelection selection(String item) {
        try {
            return InterfaceSelection.parse(item);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(command.commandLine(), e.getMessage());
        }
    }

    static final class Address implements ITypeConverter<Prefix> {
        @Override
        public Prefix convert(String text) {
            try {
                return Prefix.parse(text);
            } catch (IllegalArgumentException e) {
                throw new TypeConversionException(e.getMessage());
            }
        }
    }

    static final class Port implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            if (!text.matches("\\d{1,5}") || Integer.parseInt(text) > 0xffff) {
                throw new TypeConversionException(
                        "\"" + text + "\" is no port, which is a number from 0 to 65535");
            }
            return Integer.valueOf(text);
        }
    }

    static final class Protocol implements ITypeConverter<Integer> {
        @Override
        public Integer convert(String text) {
            return switch (text.toLowerCase(Locale.ROOT)) {
                case "icmp" -> Flow.ICMP;
                case "tcp" -> Flow.TCP;
                case "udp" -> 17;
                case "icmpv6" -> Flow.ICMPV6;
                default -> {
                    if (!text.matches("\\d{1,3}") || Integer.parseInt(text) > 255) {
                        throw new TypeConversionException(
                                "\""
                                        + text
                                        + "\" is neither a number up to 255 nor tcp, udp, icmp or"
                                        + " icmpv6");
                    }
                    yield Integer.parseInt(text);
                }
            };
        }
    }
}
