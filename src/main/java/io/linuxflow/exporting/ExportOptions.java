// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import java.time.Duration;

/** skeleton. */
public record ExportOptions(
        FieldList fields,
        int maxMessageLength,
        Duration templateRefresh,
        long observationDomainId) {

    /** The default of every option. */
    public static final ExportOptions DEFAULT =
            new ExportOptions(FieldList.DEFAULT, 1400, Duration.ofSeconds(60), 1);
}
