// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.Template;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * Which Information Elements are exported, in which order and length, and the Templates that come
 * of it.
 *
 * <p>IPv4, IPv6, ICMPv4 and ICMPv6 flows get Templates of their own where their elements differ: an
 * element of one IP version stands for its counterpart of the other too ({@code sourceIPv4Address}
 * also gives {@code sourceIPv6Address}, {@code icmpTypeCodeIPv4} also {@code icmpTypeCodeIPv6}), a
 * Template leaves out what its flows don't have (ICMP has no ports, {@code flowLabelIPv6} is for
 * IPv6), and flows whose Templates would be equal share one.
 */
public final class FieldList {

    /**
     * What is exported if nothing else is asked for: all that a flow record holds and that nfcapd
     * 1.7, nfacctd 1.7 and tshark all take in.
     *
     * <p>So times are in milliseconds, the only ones that nfcapd knows, and counters and interface
     * indexes in full length. {@code tcpControlBits} is in one octet, the only length that nfacctd
     * knows: what it leaves out are the AE flag and the three reserved bits. The Observation Domain
     * stands in every Message Header anyway. The Identification of a flow's first packet is of
     * little use and left out.
     */
    public static final String DEFAULT_ELEMENTS =
            "flowStartMilliseconds,flowEndMilliseconds,octetDeltaCount,packetDeltaCount,"
                    + "ipVersion,protocolIdentifier,sourceIPv4Address,destinationIPv4Address,"
                    + "sourceTransportPort,destinationTransportPort,icmpTypeCodeIPv4,"
                    + "ingressInterface,egressInterface,flowDirection,tcpControlBits:1,"
                    + "ipClassOfService,minimumTTL,maximumTTL,vlanId,flowLabelIPv6,"
                    + "flowEndReason,forwardingStatus";

    /** An element and the length it is exported in. */
    record Item(FlowField field, int length) {
        @Override
        public String toString() {
            return length == field.length() ? field.name() : field.name() + ":" + length;
        }
    }

    private static final int NEAREST = 3;

    /** {@link #DEFAULT_ELEMENTS}. */
    public static final FieldList DEFAULT = parse(DEFAULT_ELEMENTS);

    private final List<Item> items;
    private final List<RecordFormat> formats = new ArrayList<>();

    /** The format of each kind of flow, an index in {@link #formats}. */
    private final int[] formatOf = new int[FlowKind.values().length];

    private FieldList(List<Item> items) {
        this.items = items;
        Map<List<Item>, Integer> distinct = new LinkedHashMap<>();
        for (FlowKind kind : FlowKind.values()) {
            List<Item> applicable = itemsOf(kind);
            if (applicable.isEmpty()) {
                throw new IllegalArgumentException(
                        "the field list "
                                + this
                                + " leaves nothing to export for "
                                + kind
                                + " flows: add an element that all flows have, such as"
                                + " octetDeltaCount");
            }
            Integer known = distinct.putIfAbsent(applicable, formats.size());
            if (known == null) {
                formats.add(new RecordFormat(Template.MIN_ID + formats.size(), applicable));
            }
            formatOf[kind.ordinal()] = distinct.get(applicable);
        }
    }

    /**
     * Parses a list of element names with commas between them, such as {@code
     * octetDeltaCount,sourceIPv4Address,tcpControlBits:1}. A number after a colon is the length in
     * octets, where the element can be sent in less than its full length (reduced-size encoding,
     * RFC 7011, section 6.2). Upper and lower case don't matter, nor do spaces.
     *
     * @throws IllegalArgumentException naming the bad item and what would be valid
     */
    public static FieldList parse(String list) {
        List<Item> items = new ArrayList<>();
        Set<FlowField> seen = new HashSet<>();
        for (String text : list.split(",", -1)) {
            Item item = item(text.strip(), list);
            if (!seen.add(item.field())) {
                throw new IllegalArgumentException(
                        item.field().name() + " is in the field list twice");
            }
            items.add(item);
        }
        return new FieldList(List.copyOf(items));
    }

    /** The Templates, with Template IDs from 256 on. */
    public List<Template> templates() {
        return formats.stream().map(RecordFormat::template).toList();
    }

    /** The list as it could be parsed again. */
    @Override
    public String toString() {
        return items.stream().map(Item::toString).collect(Collectors.joining(","));
    }

    List<RecordFormat> formats() {
        return formats;
    }

    /** Index in {@link #formats()}. */
    int formatOf(FlowKind kind) {
        return formatOf[kind.ordinal()];
    }

    private List<Item> itemsOf(FlowKind kind) {
        Map<FlowField, Item> applicable = new LinkedHashMap<>();
        for (Item item : items) {
            item.field()
                    .in(kind)
                    .ifPresent(
                            field ->
                                    applicable.putIfAbsent(
                                            field,
                                            field.equals(item.field())
                                                    ? item
                                                    : new Item(field, field.length())));
        }
        return List.copyOf(applicable.values());
    }

    private static Item item(String text, String list) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException(
                    list.isBlank()
                            ? "the field list is empty: name the elements to export"
                            : "empty item in the field list " + list);
        }
        int colon = text.indexOf(':');
        String name = colon < 0 ? text : text.substring(0, colon);
        FlowField field =
                FlowField.of(name)
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "can't export '"
                                                        + name
                                                        + "': no such field; the nearest are "
                                                        + nearest(name)));
        return new Item(
                field, colon < 0 ? field.length() : length(field, text.substring(colon + 1)));
    }

    private static int length(FlowField field, String text) {
        boolean number = text.matches("[0-9]{1,5}");
        int length = number ? Integer.parseInt(text) : 0;
        if (length < field.shortest() || length > field.length()) {
            throw new IllegalArgumentException(
                    "can't export "
                            + field.name()
                            + " in '"
                            + text
                            + "' octets: possible is "
                            + (field.shortest() == field.length()
                                    ? field.length()
                                    : field.shortest() + " to " + field.length()));
        }
        return length;
    }

    private static String nearest(String name) {
        String wanted = name.toLowerCase(Locale.ROOT);
        return FlowField.TABLE.stream()
                .map(FlowField::name)
                .sorted(Comparator.comparingInt(n -> distance(wanted, n.toLowerCase(Locale.ROOT))))
                .limit(NEAREST)
                .collect(Collectors.joining(", "));
    }

    /** Levenshtein's: insertions, deletions and substitutions that make one text the other. */
    private static int distance(String a, String b) {
        int[] above = new int[b.length() + 1];
        for (int j = 0; j <= b.length(); j++) {
            above[j] = j;
        }
        for (int i = 1; i <= a.length(); i++) {
            int[] row = new int[b.length() + 1];
            row[0] = i;
            for (int j = 1; j <= b.length(); j++) {
                int substitution = a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1;
                row[j] = Math.min(above[j - 1] + substitution, Math.min(above[j], row[j - 1]) + 1);
            }
            above = row;
        }
        return above[b.length()];
    }
}
