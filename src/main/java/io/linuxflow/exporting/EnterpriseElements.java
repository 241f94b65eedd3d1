// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.AbstractDataType;
import io.linuxflow.ipfix.ElementRegistry;
import io.linuxflow.ipfix.InformationElement;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * Enterprise-specific Information Elements (RFC 7011, section 3.2): the user's own, each with a
 * name, an identifier, and what of a flow it holds.
 */
public final class EnterpriseElements {

    /** Keio University's, which wide-vsix/linux-flow-exporter names as its own. */
    public static final long DEFAULT_ENTERPRISE_NUMBER = 28972;

    /** No elements. */
    public static final EnterpriseElements NONE = new EnterpriseElements(List.of());

    private static final Pattern ITEM =
            Pattern.compile(
                    "(?<name>\\w+)/((?<pen>\\d{1,10})\\.)?(?<id>\\d{1,5})=(?<source>[\\w:]+)");

    private static final String SYNTAX =
            "write NAME/ID=SOURCE or NAME/ENTERPRISE.ID=SOURCE, such as matchedRule/1=mark";

    private static final String MARK = "mark";

    private final List<FlowField> fields;

    private EnterpriseElements(List<FlowField> fields) {
        this.fields = fields;
    }

    /**
     * Parses a list of elements with commas between them, such as {@code
     * matchedRule/1=mark,sourceName/2=sourceHostName,mine/32473.5=octetDeltaCount}: a name, an
     * identifier, with a Private Enterprise Number and a dot before it if it is not the usual one,
     * and what the element holds. That is
     *
     * <ul>
     *   <li>{@code mark}, the mark of the packets ({@code skb->mark}), as unsigned32
     *   <li>an element that can be exported, with its type
     *   <li>a column of an enrichment, such as {@code sourceHostName}, as string
     *   <li>{@code column:NAME}, a column that a hook adds: with the type of IANA's element of that
     *       name, if there is one, else as string
     * </ul>
     *
     * @param list may be empty
     * @param enterpriseNumber the Private Enterprise Number of the elements without one of their
     *     own
     * @throws IllegalArgumentException naming the bad item and what would be valid
     */
    public static EnterpriseElements parse(String list, long enterpriseNumber) {
        if (list.isBlank()) {
            return NONE;
        }
        List<FlowField> fields = new ArrayList<>();
        for (String text : list.split(",", -1)) {
            String item = text.strip();
            FlowField field = field(item, enterpriseNumber);
            InformationElement element = field.element();
            for (FlowField other : fields) {
                if (other.name().equalsIgnoreCase(element.name())) {
                    throw bad(item, "another element has that name: choose another");
                }
                if (other.element().id() == element.id()
                        && other.element().enterprise() == element.enterprise()) {
                    throw bad(item, other.name() + " has that identifier already: choose another");
                }
            }
            fields.add(field);
        }
        return new EnterpriseElements(List.copyOf(fields));
    }

    /** IANA's Information Elements and these. */
    public ElementRegistry registry() {
        return ElementRegistry.iana().with(fields.stream().map(FlowField::element).toList());
    }

    /** The field of that name; upper and lower case don't matter. */
    Optional<FlowField> field(String name) {
        return fields.stream().filter(field -> field.name().equalsIgnoreCase(name)).findFirst();
    }

    /** All of them. */
    List<FlowField> fields() {
        return fields;
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof EnterpriseElements elements && fields.equals(elements.fields);
    }

    @Override
    public int hashCode() {
        return fields.hashCode();
    }

    private static FlowField field(String item, long enterpriseNumber) {
        Matcher parts = ITEM.matcher(item);
        if (!parts.matches()) {
            throw bad(item, SYNTAX);
        }
        String name = parts.group("name");
        if (ElementRegistry.iana().byName(name).isPresent()) {
            throw bad(item, "IANA has an element of that name: choose another");
        }
        int id = Integer.parseInt(parts.group("id"));
        if (id < 1 || id > InformationElement.MAX_ID) {
            throw bad(item, "identifiers are 1 to " + InformationElement.MAX_ID);
        }
        String pen = parts.group("pen");
        long enterprise = pen == null ? enterpriseNumber : Long.parseLong(pen);
        if (enterprise < 1 || enterprise > InformationElement.MAX_ENTERPRISE) {
            throw bad(
                    item,
                    "its enterprise number "
                            + enterprise
                            + " is out of range: 1 to "
                            + InformationElement.MAX_ENTERPRISE);
        }
        return source(item, parts.group("source"), id, enterprise, name);
    }

    /** The field that holds what the source names. */
    private static FlowField source(
            String item, String source, int id, long enterprise, String name) {
        if (source.equalsIgnoreCase(MARK)) {
            return FlowField.mark(
                    new InformationElement(id, enterprise, name, AbstractDataType.UNSIGNED32));
        }
        Optional<FlowField> known = FlowField.of(source);
        if (known.isPresent()) {
            return known.get().as(known.get().element().as(id, enterprise, name));
        }
        boolean hook = source.startsWith(ColumnSource.PREFIX);
        if (!hook && !ColumnSource.known().contains(source)) {
            throw bad(
                    item,
                    "no flow field and no column of an enrichment is called "
                            + source
                            + "; the nearest are "
                            + Nearest.of(source, sources())
                            + "; a column that a hook adds is "
                            + ColumnSource.PREFIX
                            + source);
        }
        ColumnSource column;
        try {
            column =
                    ColumnSource.of(hook ? source.substring(ColumnSource.PREFIX.length()) : source);
        } catch (IllegalArgumentException e) {
            throw bad(item, e.getMessage());
        }
        return FlowField.column(
                new InformationElement(id, enterprise, name, column.type()), column);
    }

    private static Stream<String> sources() {
        return Stream.concat(
                Stream.concat(Stream.of(MARK), FlowField.TABLE.stream().map(FlowField::name)),
                ColumnSource.known().stream());
    }

    private static IllegalArgumentException bad(String item, String why) {
        return new IllegalArgumentException(
                "can't use the enterprise element '" + item + "': " + why);
    }
}
