// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.Template;
import java.time.Duration;
import java.util.Objects;

/**
 * How flows are exported.
 *
 * @param fields the Information Elements
 * @param maxMessageLength octets of a Message at most; over UDP it should fit into the path MTU,
 *     less IP and UDP headers
 * @param templateRefresh how often the Templates are sent again, as unreliable transports need;
 *     zero for once only
 * @param observationDomainId the Observation Domain ID of the first Observation Domain, 0 to 2^32 -
 *     1; further ones count on from it
 */
public record ExportOptions(
        FieldList fields,
        int maxMessageLength,
        Duration templateRefresh,
        long observationDomainId) {

    /** Fits into an Ethernet frame, with room for tunnels. */
    public static final int DEFAULT_MAX_MESSAGE_LENGTH = 1400;

    public static final Duration DEFAULT_TEMPLATE_REFRESH = Duration.ofSeconds(60);

    /** 0 would say that the Messages have no Observation Domain (RFC 7011, section 3.1). */
    public static final long DEFAULT_OBSERVATION_DOMAIN_ID = 1;

    static final long MAX_OBSERVATION_DOMAIN_ID = 0xffff_ffffL;

    /** The default of every option. */
    public static final ExportOptions DEFAULT =
            new ExportOptions(
                    FieldList.DEFAULT,
                    DEFAULT_MAX_MESSAGE_LENGTH,
                    DEFAULT_TEMPLATE_REFRESH,
                    DEFAULT_OBSERVATION_DOMAIN_ID);

    /**
     * @throws IllegalArgumentException if an option is out of range or the maximum Message length
     *     can't hold a Template or a Data Record
     */
    public ExportOptions {
        Objects.requireNonNull(fields);
        Objects.requireNonNull(templateRefresh);
        int least = leastMessageLength(fields);
        if (maxMessageLength < least || maxMessageLength > MessageWriter.MAX_MESSAGE_LENGTH) {
            throw new IllegalArgumentException(
                    "maximum Message length "
                            + maxMessageLength
                            + " is out of range: these fields need at least "
                            + least
                            + ", and no Message can exceed "
                            + MessageWriter.MAX_MESSAGE_LENGTH);
        }
        if (templateRefresh.isNegative()) {
            throw new IllegalArgumentException(
                    "template refresh " + templateRefresh + " is negative");
        }
        if (observationDomainId < 0 || observationDomainId > MAX_OBSERVATION_DOMAIN_ID) {
            throw new IllegalArgumentException(
                    "Observation Domain ID "
                            + observationDomainId
                            + " is out of range: 0 to "
                            + MAX_OBSERVATION_DOMAIN_ID);
        }
    }

    private static int leastMessageLength(FieldList fields) {
        int longest = 0;
        for (Template template : fields.templates()) {
            longest = Math.max(longest, template.length());
            longest = Math.max(longest, template.minimumRecordLength());
        }
        return MessageWriter.MESSAGE_HEADER + MessageWriter.SET_HEADER + longest;
    }
}
