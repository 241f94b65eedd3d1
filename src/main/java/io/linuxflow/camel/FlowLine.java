// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import io.linuxflow.exporting.FieldList;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.ipfix.DataRecord;
import java.net.InetAddress;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** A Data Record on one line, for people to read. */
public final class FlowLine {

    private static final Map<Long, String> PROTOCOLS =
            Map.of(
                    1L, "ICMP", 6L, "TCP", 17L, "UDP", 33L, "DCCP", 47L, "GRE", 50L, "ESP", 58L,
                    "ICMPv6", 132L, "SCTP", 136L, "UDPLite");

    /** Of times, the finest first. */
    private static final List<String> UNITS =
            List.of("Nanoseconds", "Microseconds", "Milliseconds", "Seconds");

    /** What is on the line anyway, and what every record has that nobody asked for. */
    private static final Set<String> USUAL =
            Stream.concat(
                            FieldList.DEFAULT.templates().stream()
                                    .flatMap(template -> template.fields().stream())
                                    .map(field -> field.element().name()),
                            Stream.of("Start", "End")
                                    .flatMap(which -> UNITS.stream().map(u -> "flow" + which + u)))
                    .collect(Collectors.toUnmodifiableSet());

    private FlowLine() {}

    /**
     * When the flow began and how long it lasted, protocol, both ends, what it amounts to, and the
     * interfaces; "-" for what the record doesn't have. Behind that all fields by name that are not
     * among the default ones. A record without addresses is no flow: it is shown field by field.
     *
     * <p>Any record gives a line, whatever lengths its exporter has sent the fields in.
     */
    public static String of(DataRecord data) {
        Map<String, Object> fields = data.toMap();
        Object source = either(fields, "sourceIPv4Address", "sourceIPv6Address");
        Object destination = either(fields, "destinationIPv4Address", "destinationIPv6Address");
        if (!(source instanceof InetAddress from) || !(destination instanceof InetAddress to)) {
            return data.toString();
        }
        String more = data.toString(element -> !USUAL.contains(element.name()));
        return String.format(
                Locale.ROOT,
                "%-24s %8s  %-7s %21s > %-21s %8s packets %10s octets  if %s > %s%s",
                time(fields, "Start").map(Instant::toString).orElse("-"),
                duration(fields),
                protocol(fields.get("protocolIdentifier")),
                end(from, fields.get("sourceTransportPort")),
                end(to, fields.get("destinationTransportPort")) + icmp(fields),
                orDash(fields.get("packetDeltaCount")),
                orDash(fields.get("octetDeltaCount")),
                orDash(fields.get("ingressInterface")),
                orDash(fields.get("egressInterface")),
                more.isEmpty() ? "" : "  " + more);
    }

    private static String duration(Map<String, Object> fields) {
        return time(fields, "Start")
                .flatMap(start -> time(fields, "End").map(end -> Duration.between(start, end)))
                .map(d -> String.format(Locale.ROOT, "%.3fs", d.toSeconds() + d.getNano() / 1e9))
                .orElse("-");
    }

    private static Optional<Instant> time(Map<String, Object> fields, String which) {
        for (String unit : UNITS) {
            if (fields.get("flow" + which + unit) instanceof Instant time) {
                return Optional.of(time);
            }
        }
        return Optional.empty();
    }

    private static String protocol(Object number) {
        return number instanceof Long known
                ? PROTOCOLS.getOrDefault(known, number.toString())
                : orDash(number);
    }

    /** IPv6 addresses with a port are in brackets (RFC 5952, section 6). */
    private static String end(InetAddress address, Object port) {
        String text = IpAddress.text(address);
        if (port == null || port.equals(0L)) {
            return text;
        }
        return (text.indexOf(':') < 0 ? text : "[" + text + "]") + ":" + port;
    }

    private static String icmp(Map<String, Object> fields) {
        return either(fields, "icmpTypeCodeIPv4", "icmpTypeCodeIPv6") instanceof Long typeCode
                ? " type " + (typeCode >> 8) + " code " + (typeCode & 0xff)
                : "";
    }

    private static Object either(Map<String, Object> fields, String one, String other) {
        return fields.getOrDefault(one, fields.get(other));
    }

    private static String orDash(Object value) {
        return value == null ? "-" : value.toString();
    }
}
