// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.net.InetAddress;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * A Data Record that was read: the values of its Template's fields, in their order. The Java types
 * of values are:
 *
 * <ul>
 *   <li>{@link Long} for signed and unsigned integers, {@link java.math.BigInteger} for an
 *       unsigned64 from 2^63 on
 *   <li>{@link Double}, {@link Boolean}, {@link String} (a MAC address too, {@code
 *       02:00:5e:00:53:01})
 *   <li>{@link InetAddress} for addresses, {@link java.time.Instant} for times
 *   <li>{@code byte[]} for octetArray, for the lists of RFC 6313, and for elements that the
 *       registry doesn't know
 * </ul>
 */
public final class DataRecord {

    private static final Pattern CONTROL =
            Pattern.compile("[\\x00-\\x1f\\x7f-\\x9f\\u2028\\u2029]");

    private final Template template;
    private final Object[] values;

    DataRecord(Template template, Object[] values) {
        this.template = template;
        this.values = values;
    }

    /** The Template it was read with; {@link Template#isOptions} tells options from flows. */
    public Template template() {
        return template;
    }

    /** The values, in the order of {@link Template#fields}. */
    public List<Object> values() {
        return Collections.unmodifiableList(Arrays.asList(values));
    }

    /** The value of the first field with this element. */
    public Optional<Object> value(InformationElement element) {
        return value(
                mine -> mine.id() == element.id() && mine.enterprise() == element.enterprise());
    }

    /** The value of the first field whose element has this name, in IANA's spelling. */
    public Optional<Object> value(String name) {
        return value(mine -> mine.name().equals(name));
    }

    private Optional<Object> value(Predicate<InformationElement> wanted) {
        for (int i = 0; i < values.length; i++) {
            if (wanted.test(template.fields().get(i).element())) {
                return Optional.of(values[i]);
            }
        }
        return Optional.empty();
    }

    /**
     * Element names and values in the order of the fields. Of several fields with the same element
     * (RFC 7011, section 8, allows that) the first one's value is there.
     */
    public Map<String, Object> toMap() {
        Map<String, Object> map = new LinkedHashMap<>();
        for (int i = 0; i < values.length; i++) {
            map.putIfAbsent(template.fields().get(i).element().name(), values[i]);
        }
        return map;
    }

    /**
     * All fields on one line, {@code name=value} each. Control characters of texts, which would
     * break the line or do something to a terminal, are shown by their four-digit code.
     */
    @Override
    public String toString() {
        return toString(element -> true);
    }

    /** The fields with these elements on one line, {@code name=value} each. */
    public String toString(Predicate<InformationElement> wanted) {
        StringJoiner line = new StringJoiner(" ");
        for (int i = 0; i < values.length; i++) {
            InformationElement element = template.fields().get(i).element();
            if (wanted.test(element)) {
                line.add(element.name() + "=" + text(element, values[i]));
            }
        }
        return line.toString();
    }

    private static String text(InformationElement element, Object value) {
        if (value instanceof byte[] octets) {
            return "0x" + HexFormat.of().formatHex(octets);
        }
        if (value instanceof Long number && element.semantics().equals("flags")) {
            return "0x" + Long.toHexString(number);
        }
        if (value instanceof InetAddress address) {
            return address.getHostAddress();
        }
        return CONTROL.matcher(value.toString())
                .replaceAll(found -> "\\\\u%04x".formatted((int) found.group().charAt(0)));
    }
}
