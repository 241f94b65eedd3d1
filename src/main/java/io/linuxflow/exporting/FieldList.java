// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.FieldSpecifier;
import io.linuxflow.ipfix.InformationElement;
import io.linuxflow.ipfix.Template;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.Collectors;
import java.util.stream.Stream;

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
        boolean isVariableLength() {
            return length == FieldSpecifier.VARIABLE_LENGTH;
        }

        @Override
        public String toString() {
            String name = field.isHooks() ? ColumnSource.PREFIX + field.name() : field.name();
            return length == field.length() ? name : name + ":" + length;
        }
    }

    /** {@link #DEFAULT_ELEMENTS}. */
    public static final FieldList DEFAULT = parse(DEFAULT_ELEMENTS);

    private final List<Item> items;
    private final List<RecordFormat> formats;

    /** The format of each kind of flow, an index in {@link #formats}. */
    private final int[] formatOf = new int[FlowKind.values().length];

    /** What the fields are made of that are not made of members of flow records. */
    private final List<ColumnSource> columns;

    private FieldList(List<Item> items, TemplateIds templateIds) {
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
            distinct.putIfAbsent(applicable, distinct.size());
            formatOf[kind.ordinal()] = distinct.get(applicable);
        }
        columns =
                distinct.keySet().stream()
                        .flatMap(List::stream)
                        .map(item -> item.field().column())
                        .filter(Objects::nonNull)
                        .distinct()
                        .toList();
        Iterator<Integer> ids = templateIds.take(distinct.size()).iterator();
        formats =
                distinct.keySet().stream()
                        .map(applicable -> new RecordFormat(ids.next(), applicable, columns))
                        .toList();
    }

    /**
     * Parses a list of IANA's elements, whose Templates have IDs from 256 on.
     *
     * @see #parse(String, EnterpriseElements, TemplateIds)
     */
    public static FieldList parse(String list) {
        return parse(list, EnterpriseElements.NONE, TemplateIds.DEFAULT);
    }

    /**
     * Parses a list of element names with commas between them, such as {@code
     * octetDeltaCount,sourceIPv4Address,tcpControlBits:1}. A number after a colon is the length in
     * octets, where the element can be sent in less than its full length (reduced-size encoding,
     * RFC 7011, section 6.2). Upper and lower case don't matter, nor do spaces.
     *
     * <p>{@code column:applicationName} is an element of IANA's that only a hook can fill, by a
     * column of that name.
     *
     * <p>Texts such as {@code interfaceName} are of variable length (section 7) if no number asks
     * for a fixed one, and {@code interfaceName} and {@code interfaceDescription} may be there
     * twice: the first is the ingress interface's, the second the egress interface's (section 8).
     * Once, it is that of the interface at which the flow was metered.
     *
     * @param enterprise elements that the list may name too
     * @throws IllegalArgumentException naming the bad item and what would be valid
     */
    public static FieldList parse(
            String list, EnterpriseElements enterprise, TemplateIds templateIds) {
        List<Item> items = new ArrayList<>();
        for (String text : list.split(",", -1)) {
            items.add(item(text.strip(), list, enterprise));
        }
        return new FieldList(distinct(items), templateIds);
    }

    /**
     * Whether a list may have such an item.
     *
     * @throws IllegalArgumentException saying why not, and what would be valid
     */
    public static void checkItem(String text) {
        item(text, text, EnterpriseElements.NONE);
    }

    /** Gives repeated elements the meaning they have then. */
    private static List<Item> distinct(List<Item> items) {
        Map<FlowField, List<Integer>> places = new LinkedHashMap<>();
        for (int i = 0; i < items.size(); i++) {
            places.computeIfAbsent(items.get(i).field(), field -> new ArrayList<>()).add(i);
        }
        List<Item> distinct = new ArrayList<>(items);
        places.forEach(
                (field, at) -> {
                    List<FlowField> meanings =
                            at.size() == 1 ? List.of(field) : field.ofBothInterfaces();
                    if (meanings.isEmpty()) {
                        throw new IllegalArgumentException(
                                field.name() + " is in the field list twice");
                    }
                    if (at.size() > meanings.size()) {
                        throw new IllegalArgumentException(
                                field.name()
                                        + " is in the field list "
                                        + at.size()
                                        + " times: it can be there once, or twice, for ingress and"
                                        + " egress interface");
                    }
                    for (int i = 0; i < at.size(); i++) {
                        distinct.set(
                                at.get(i),
                                new Item(meanings.get(i), items.get(at.get(i)).length()));
                    }
                });
        return List.copyOf(distinct);
    }

    /** The Templates. */
    public List<Template> templates() {
        return formats.stream().map(RecordFormat::template).toList();
    }

    /** The list as it could be parsed again. */
    @Override
    public String toString() {
        return items.stream().map(Item::toString).collect(Collectors.joining(","));
    }

    /** What the fields are made of that are not made of members of flow records. */
    List<ColumnSource> columns() {
        return columns;
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

    private static Item item(String text, String list, EnterpriseElements enterprise) {
        if (text.isEmpty()) {
            throw new IllegalArgumentException(
                    list.isBlank()
                            ? "the field list is empty: name the elements to export"
                            : "empty item in the field list " + list);
        }
        int prefix = text.startsWith(ColumnSource.PREFIX) ? ColumnSource.PREFIX.length() : 0;
        int colon = text.indexOf(':', prefix);
        String name = colon < 0 ? text : text.substring(0, colon);
        FlowField field =
                prefix > 0
                        ? madeOfColumn(name, name.substring(prefix))
                        : FlowField.of(name)
                                .or(() -> enterprise.field(name))
                                .orElseThrow(() -> noSuchField(name, enterprise));
        return new Item(
                field, colon < 0 ? field.length() : length(field, text.substring(colon + 1)));
    }

    /** An element of IANA's that only a hook can fill. */
    private static FlowField madeOfColumn(String item, String name) {
        InformationElement element =
                ElementRegistry.iana()
                        .byName(name)
                        .orElseThrow(
                                () ->
                                        new IllegalArgumentException(
                                                "can't export '"
                                                        + item
                                                        + "': IANA has no element of that name;"
                                                        + " make one of your own, "
                                                        + name
                                                        + "/ID="
                                                        + item));
        if (FlowField.of(name).isPresent()) {
            throw new IllegalArgumentException(
                    "can't export '" + item + "': it is there without a hook, as " + name);
        }
        try {
            return FlowField.column(element, ColumnSource.of(element.name()));
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException("can't export '" + item + "': " + e.getMessage());
        }
    }

    private static IllegalArgumentException noSuchField(
            String name, EnterpriseElements enterprise) {
        return new IllegalArgumentException(
                "can't export '"
                        + name
                        + "': no such field; the nearest are "
                        + Nearest.of(
                                name,
                                Stream.concat(
                                                FlowField.TABLE.stream(),
                                                enterprise.fields().stream())
                                        .map(FlowField::name))
                        + (ElementRegistry.iana().byName(name).isPresent()
                                ? "; if a hook adds it, write " + ColumnSource.PREFIX + name
                                : ""));
    }

    private static int length(FlowField field, String text) {
        boolean number = text.matches("[0-9]{1,5}");
        int length = number ? Integer.parseInt(text) : 0;
        if (length < field.shortest() || length > field.longest()) {
            throw new IllegalArgumentException(
                    "can't export "
                            + field.name()
                            + " in '"
                            + text
                            + "' octets: possible is "
                            + (field.shortest() == field.longest()
                                    ? field.longest()
                                    : field.shortest() + " to " + field.longest()));
        }
        return length;
    }
}
