// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.util.List;

/**
 * The order and lengths of the fields of a Data Record: a Template Record, or an Options Template
 * Record if there are scope fields (RFC 7011, sections 3.4.1 and 3.4.2).
 *
 * @param id the Template ID, which is also the Set ID of its Data Sets: 256 to 65535
 * @param fields the fields in the order they have in Data Records
 * @param scopeFieldCount how many of the first fields are the scope of an Options Template, 0 for a
 *     Template
 */
public record Template(int id, List<FieldSpecifier> fields, int scopeFieldCount) {

    /** The lowest Template ID; lower Set IDs are for Sets of other kinds. */
    public static final int MIN_ID = 256;

    /** The highest Template ID. */
    public static final int MAX_ID = 0xffff;

    public Template {
        if (id < MIN_ID || id > MAX_ID) {
            throw new IllegalArgumentException(
                    "Template ID " + id + " is not in " + MIN_ID + " to " + MAX_ID);
        }
        fields = List.copyOf(fields);
        if (fields.isEmpty() || scopeFieldCount < 0 || scopeFieldCount > fields.size()) {
            throw new IllegalArgumentException(
                    "Template "
                            + id
                            + " has "
                            + fields.size()
                            + " fields, "
                            + scopeFieldCount
                            + " of them scope");
        }
    }

    /** A Template without scope. */
    public Template(int id, List<FieldSpecifier> fields) {
        this(id, fields, 0);
    }

    /** Whether this is an Options Template. */
    public boolean isOptions() {
        return scopeFieldCount > 0;
    }

    /**
     * Octets of a Data Record at the least; its very length if there are no variable-length fields.
     */
    public int minimumRecordLength() {
        int sum = 0;
        for (FieldSpecifier field : fields) {
            sum += field.minimumLength();
        }
        return sum;
    }

    /** Octets of the Template Record itself. */
    public int length() {
        int sum = isOptions() ? 6 : 4;
        for (FieldSpecifier field : fields) {
            sum += field.specifierLength();
        }
        return sum;
    }
}
