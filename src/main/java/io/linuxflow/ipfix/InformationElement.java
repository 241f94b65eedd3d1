// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.util.Objects;

/**
 * An Information Element (RFC 7012, section 2.1).
 *
 * @param id the element identifier, 15 bits, without the enterprise bit
 * @param enterprise the Private Enterprise Number, 0 for IANA's own elements
 * @param name the name as registered, such as {@code octetDeltaCount}
 * @param type the Abstract Data Type
 * @param semantics the Data Type Semantics, such as {@code deltaCounter}, or empty
 * @param units the units, such as {@code octets}, or empty
 * @param range the valid range, such as {@code 0-0xFFFFF}, or empty
 * @param status {@code current} or {@code deprecated}
 */
public record InformationElement(
        int id,
        long enterprise,
        String name,
        AbstractDataType type,
        String semantics,
        String units,
        String range,
        String status) {

    /** Largest identifier: the highest bit of the 16 on the wire says that a PEN follows. */
    public static final int MAX_ID = 0x7fff;

    /** Largest Private Enterprise Number. */
    public static final long MAX_ENTERPRISE = 0xffff_ffffL;

    public InformationElement {
        if (id < 0 || id > MAX_ID || enterprise < 0 || enterprise > MAX_ENTERPRISE) {
            throw new IllegalArgumentException(
                    "no Information Element can have identifier "
                            + id
                            + " and enterprise number "
                            + enterprise);
        }
        Objects.requireNonNull(name);
        Objects.requireNonNull(type);
    }

    /** An enterprise-specific element of which only identity, name and type matter. */
    public InformationElement(int id, long enterprise, String name, AbstractDataType type) {
        this(id, enterprise, name, type, "", "", "", "current");
    }

    /**
     * The stand-in for an element that the registry doesn't know: its octets as they are. The name
     * is {@code enterprise/id}, so records that hold it stay readable.
     */
    static InformationElement unknown(int id, long enterprise) {
        return new InformationElement(
                id, enterprise, enterprise + "/" + id, AbstractDataType.OCTET_ARRAY);
    }

    /** An enterprise-specific element whose values are those of this one. */
    public InformationElement as(int otherId, long otherEnterprise, String otherName) {
        return new InformationElement(
                otherId, otherEnterprise, otherName, type, semantics, units, range, status);
    }

    /** This element, with values read as another type. */
    InformationElement ofType(AbstractDataType other) {
        return other == type
                ? this
                : new InformationElement(
                        id, enterprise, name, other, semantics, units, range, status);
    }

    /** The name. */
    @Override
    public String toString() {
        return name;
    }
}
