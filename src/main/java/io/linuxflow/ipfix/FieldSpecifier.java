// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

/**
 * One field of a Template Record (RFC 7011, section 3.2).
 *
 * @param element what the field means
 * @param length octets of the field in each Data Record, or {@link #VARIABLE_LENGTH}
 */
public record FieldSpecifier(InformationElement element, int length) {

    /** Each Data Record says how long this field is in it (RFC 7011, section 7). */
    public static final int VARIABLE_LENGTH = 0xffff;

    public FieldSpecifier {
        if (!element.type().allows(length)) {
            throw new IllegalArgumentException(
                    element.name() + " is " + element.type() + " and can't have length " + length);
        }
    }

    /** A field in the full length of its element's type. */
    public FieldSpecifier(InformationElement element) {
        this(element, element.type().length());
    }

    public boolean isVariableLength() {
        return length == VARIABLE_LENGTH;
    }

    /** Octets of this Field Specifier in a Template Record. */
    int specifierLength() {
        return element.enterprise() == 0 ? 4 : 8;
    }

    /** The octets this field takes in a Data Record at the least. */
    int minimumLength() {
        return isVariableLength() ? 1 : length;
    }

    /** The element's name, with the length where it is not the full one: {@code name:2}. */
    @Override
    public String toString() {
        return length == element.type().length() ? element.name() : element.name() + ":" + length;
    }
}
