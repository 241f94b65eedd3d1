// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import org.apache.camel.spi.Metadata;

/** The message headers of {@code ebpf-flowmap}. */
public final class EbpfFlowmapConstants {

    @Metadata(
            label = "consumer",
            description = "How many flow records the message body holds.",
            javaType = "Integer")
    public static final String FLOW_COUNT = "CamelEbpfFlowmapFlowCount";

    @Metadata(
            label = "consumer",
            description =
                    "Which of the meter's network namespaces the flows are from, counted from 0."
                            + " Interface indexes are unique only within one.",
            javaType = "Integer")
    public static final String OBSERVATION_DOMAIN = "CamelEbpfFlowmapObservationDomain";

    private EbpfFlowmapConstants() {}
}
