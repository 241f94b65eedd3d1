// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.Template;
import java.util.List;

/** skeleton. */
public final class FieldList {
    /** skeleton. */
    public static final FieldList DEFAULT = new FieldList();

    /**
     * Parses a comma-separated list such as {@code octetDeltaCount,tcpControlBits:1}.
     *
     * @throws IllegalArgumentException naming the bad item and the valid names nearest to it
     */
    public static FieldList parse(String list) {
        throw new UnsupportedOperationException();
    }

    /** The Templates, from Template ID 256 on. */
    public List<Template> templates() {
        throw new UnsupportedOperationException();
    }
}
