// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.AbstractDataType;
import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.InformationElement;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;

/**
 * A column of a batch that fields are made of.
 *
 * @param name that of the column
 * @param type what its values are: as the Information Element of that name says, else text
 */
record ColumnSource(String name, AbstractDataType type) {

    /** What goes before the name of a column that no enrichment of this project adds. */
    static final String PREFIX = "column:";

    /** The columns of the enrichments that come with this project, and which of them adds each. */
    private static final Map<String, String> ENRICHMENTS = new LinkedHashMap<>();

    static {
        enrichment(
                "interfaceNames",
                "interfaceName",
                "interfaceDescription",
                "ingressInterfaceName",
                "egressInterfaceName",
                "ingressInterfaceDescription",
                "egressInterfaceDescription");
        enrichment("hostName", "hostName");
        enrichment("reverseDns", "sourceHostName", "destinationHostName");
        enrichment(
                "fib",
                "sourceIPv4PrefixLength",
                "destinationIPv4PrefixLength",
                "sourceIPv6PrefixLength",
                "destinationIPv6PrefixLength",
                "ipNextHopIPv4Address",
                "ipNextHopIPv6Address");
        enrichment(
                "prefixTable",
                "bgpNextHopIPv4Address",
                "bgpNextHopIPv6Address",
                "bgpSourceAsNumber",
                "bgpDestinationAsNumber",
                "sourceAsName",
                "destinationAsName");
        enrichment(
                "asDatabase",
                "bgpSourceAsNumber",
                "bgpDestinationAsNumber",
                "sourceAsName",
                "destinationAsName");
    }

    /**
     * @throws IllegalArgumentException if the Information Element of that name is of a type that
     *     columns don't have
     */
    static ColumnSource of(String name) {
        AbstractDataType type =
                ElementRegistry.iana()
                        .byName(name)
                        .map(InformationElement::type)
                        .orElse(AbstractDataType.STRING);
        if (type != AbstractDataType.STRING && !isUnsigned(type) && !isAddress(type)) {
            throw new IllegalArgumentException(
                    "columns are numbers, addresses and texts, and " + name + " is " + type);
        }
        return new ColumnSource(name, type);
    }

    /** The columns of the enrichments that come with this project. */
    static Set<String> known() {
        return ENRICHMENTS.keySet();
    }

    /** The column of the batch, null if there is none whose values are of this type. */
    Column of(FlowBatch batch) {
        Column column = batch.column(name);
        return column != null && holds(column.type()) ? column : null;
    }

    /** Why {@link #of} gives null, and how to change that; null if it does not. */
    String remedy(FlowBatch batch) {
        Column column = batch.column(name);
        if (column != null) {
            return holds(column.type())
                    ? null
                    : "the column " + name + " is " + column.type() + ", not " + type;
        }
        String enrichments = ENRICHMENTS.get(name);
        return enrichments == null
                ? "no hook adds the column " + name
                : "flow.enrich=" + enrichments + " adds it";
    }

    /** JSON is text. */
    private boolean holds(Column.Type values) {
        return switch (values) {
            case UNSIGNED -> isUnsigned(type);
            case ADDRESS -> isAddress(type);
            case TEXT, JSON -> type == AbstractDataType.STRING;
        };
    }

    /** How its values become fields of a fixed length. */
    Encoding encoding() {
        if (type == AbstractDataType.STRING) {
            return Encoding.COLUMN_TEXT;
        }
        return isAddress(type) ? Encoding.COLUMN_ADDRESS : Encoding.COLUMN_UNSIGNED;
    }

    private static boolean isUnsigned(AbstractDataType type) {
        return switch (type) {
            case UNSIGNED8, UNSIGNED16, UNSIGNED32, UNSIGNED64 -> true;
            case DATE_TIME_SECONDS, DATE_TIME_MILLISECONDS -> true;
            default -> false;
        };
    }

    private static boolean isAddress(AbstractDataType type) {
        return type == AbstractDataType.IPV4_ADDRESS || type == AbstractDataType.IPV6_ADDRESS;
    }

    private static void enrichment(String name, String... columns) {
        for (String column : columns) {
            ENRICHMENTS.merge(column, name, (one, other) -> one + " or " + other);
        }
    }
}
