// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import java.time.Instant;
import java.util.List;

/**
 * A Message that was read (RFC 7011, section 3).
 *
 * @param exportTime when it left the Exporter, in whole seconds
 * @param sequenceNumber Data Records that the Observation Domain had sent before it, modulo 2^32
 * @param observationDomainId the Observation Domain, 32 bits, unsigned
 * @param templates the Templates and Options Templates it defined
 * @param records its Data Records, those of Options Templates included
 * @param undecoded its Data Sets whose Template is not known: what they hold can't be told
 * @param lost Data Records missing between the Message before it and this one
 */
public record Message(
        Instant exportTime,
        long sequenceNumber,
        long observationDomainId,
        List<Template> templates,
        List<DataRecord> records,
        List<UndecodedSet> undecoded,
        long lost) {

    /**
     * A Data Set without a Template. It comes when a Collecting Process starts after the Exporting
     * Process, and ends with the next refresh of the Templates.
     *
     * @param templateId its Set ID
     * @param octets its length, Set Header included
     */
    public record UndecodedSet(int templateId, int octets) {}

    public Message {
        templates = List.copyOf(templates);
        records = List.copyOf(records);
        undecoded = List.copyOf(undecoded);
    }
}
