// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.Template;
import java.lang.management.ManagementFactory;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExportingProcessTest {

    private static final long NOW = Flows.TIME / 1_000_000;

    private final ExportingProcess process = new ExportingProcess(ExportOptions.DEFAULT);
    private final IpfixReader reader = new IpfixReader();
    private final Random random = new Random(5);

    private List<Message> export(FlowBatch batch, long now) throws Exception {
        return Exported.messages(reader, Exported.octets(process, batch, now));
    }

    private static FlowBatch oneFlow() {
        return new Flows().flow("192.0.2.1", "192.0.2.2", Flows.TCP).batch();
    }

    private static FlowBatch flowsOfOneKind(int size) {
        Flows flows = new Flows();
        for (int i = 0; i < size; i++) {
            flows.flow("192.0.2.1", "192.0.2.2", Flows.TCP).ports(i, 80);
        }
        return flows.batch();
    }

    @Test
    void aMessageOctetForOctet() {
        ExportingProcess small =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(
                                        "flowStartMilliseconds,octetDeltaCount,sourceIPv4Address,"
                                                + "destinationTransportPort,tcpControlBits:1,"
                                                + "ingressInterface,forwardingStatus"),
                                1400,
                                Duration.ofSeconds(60),
                                7));
        FlowBatch batch =
                new Flows()
                        .flow("192.0.2.1", "192.0.2.2", Flows.TCP)
                        .ports(0x1234, 443)
                        .counts(3, 0x0102030405060708L)
                        .interfaces(2, 3)
                        .direction(1)
                        .tcpFlags(0x1b)
                        .flow("2001:db8::1", "2001:db8::2", Flows.ICMPV6)
                        .icmp(128, 0)
                        .counts(1, 104)
                        .batch();

        assertThat(HexFormat.of().formatHex(Exported.octets(small, batch, NOW)))
                .isEqualTo(
                        """
                        000a00d6 6b057c40 00000000 00000007
                        0002007c
                        01000007 00980008 00010008 00080004 000b0002 00060001 000a0004 00590001
                        01010007 00980008 00010008 001b0010 000b0002 00060001 000a0004 00590001
                        01020006 00980008 00010008 00080004 00060001 000a0004 00590001
                        01030006 00980008 00010008 001b0010 00060001 000a0004 00590001
                        01000020
                        000001a20d6d5a7b 0102030405060708 c0000201 01bb 1b 00000002 40
                        0103002a
                        000001a20d6d5a7b 0000000000000068 20010db8000000000000000000000001
                        00 00000000 00
                        """
                                .replaceAll("\\s", ""));
    }

    @Test
    void templatesComeFirstAndOnlyWhenDue() throws Exception {
        List<Message> first = export(oneFlow(), NOW);
        assertThat(first).hasSize(1);
        assertThat(first.get(0).templates()).isEqualTo(FieldList.DEFAULT.templates());
        assertThat(first.get(0).records()).hasSize(1);

        assertThat(export(oneFlow(), NOW + 59_999)).allMatch(m -> m.templates().isEmpty());
        assertThat(export(oneFlow(), NOW + 60_000)).anyMatch(m -> !m.templates().isEmpty());
        assertThat(export(oneFlow(), NOW + 60_001)).allMatch(m -> m.templates().isEmpty());
    }

    @Test
    void templatesAreSentAgainWhenTheClockWasSetBack() throws Exception {
        export(oneFlow(), NOW);
        assertThat(export(oneFlow(), NOW - 1)).anyMatch(m -> !m.templates().isEmpty());
    }

    @Test
    void withoutRefreshTemplatesAreSentOnce() throws Exception {
        ExportingProcess once =
                new ExportingProcess(new ExportOptions(FieldList.DEFAULT, 1400, Duration.ZERO, 1));
        List<Template> templates = new ArrayList<>();
        for (int hour = 0; hour < 3; hour++) {
            byte[] octets = Exported.octets(once, oneFlow(), NOW + hour * 3_600_000L);
            Exported.messages(reader, octets).forEach(m -> templates.addAll(m.templates()));
        }
        assertThat(templates).isEqualTo(FieldList.DEFAULT.templates());
    }

    @Test
    void dueTemplatesComeBeforeAnyDataOfALargeBatch() throws Exception {
        List<Message> messages = export(Flows.random(random, 1000, 0), NOW);
        assertThat(messages.get(0).templates()).isNotEmpty();
        assertThat(messages).allMatch(message -> message.undecoded().isEmpty());
    }

    @Test
    void anEmptyBatchGivesTemplatesIfDueAndNothingElse() throws Exception {
        FlowBatch empty = new Flows().batch();
        assertThat(export(empty, NOW)).extracting(m -> m.templates().size()).containsExactly(4);
        assertThat(export(empty, NOW)).isEmpty();
    }

    @Test
    void templatesCanBeRefreshedWhileThereAreNoFlows() throws Exception {
        MessageWriter out = new MessageWriter();
        process.encodeTemplates(NOW, out);
        assertThat(out.length()).as("nothing is known of any domain yet").isZero();

        export(oneFlow(), NOW);
        process.encodeTemplates(NOW + 59_999, out);
        assertThat(out.length()).isZero();

        process.encodeTemplates(NOW + 60_000, out);
        assertThat(Exported.messages(reader, out.toByteArray()))
                .singleElement()
                .satisfies(
                        message -> {
                            assertThat(message.templates()).hasSize(4);
                            assertThat(message.sequenceNumber()).isEqualTo(1);
                        });
        assertThat(export(oneFlow(), NOW + 60_001)).allMatch(m -> m.templates().isEmpty());
    }

    @Test
    void sequenceNumbersCountDataRecordsPerObservationDomain() throws Exception {
        for (int round = 0; round < 20; round++) {
            for (int domain = 0; domain < 3; domain++) {
                FlowBatch batch = Flows.random(random, random.nextInt(100), domain);
                for (Message message : export(batch, NOW + round * 20_000L)) {
                    assertThat(message.observationDomainId()).isEqualTo(1 + domain);
                    assertThat(message.lost()).isZero();
                }
            }
        }
        assertThat(reader.counters().lateRecords()).isZero();
        assertThat(reader.counters().undecodedSets()).isZero();
    }

    @Test
    void theExportTimeIsTheTimeGivenInSeconds() throws Exception {
        assertThat(export(oneFlow(), NOW).get(0).exportTime())
                .isEqualTo(Instant.parse("2026-11-24T12:00:00Z"));
    }

    @Test
    void messagesAreFullAndOfEqualLengthButForTheLast() throws Exception {
        export(oneFlow(), NOW);
        List<byte[]> datagrams =
                Exported.datagrams(Exported.octets(process, flowsOfOneKind(1000), NOW));
        int record = FieldList.DEFAULT.templates().get(0).minimumRecordLength();
        int full = 20 + (1400 - 20) / record * record;
        assertThat(datagrams.subList(0, datagrams.size() - 1))
                .hasSizeGreaterThan(40)
                .allMatch(datagram -> datagram.length == full);
        assertThat(datagrams.get(datagrams.size() - 1).length).isLessThan(full);
    }

    @Test
    void aFewFlowsOfAllKindsShareOneMessage() throws Exception {
        FlowBatch batch =
                new Flows()
                        .flow("192.0.2.1", "192.0.2.2", Flows.TCP)
                        .flow("2001:db8::1", "2001:db8::2", Flows.UDP)
                        .flow("192.0.2.1", "192.0.2.2", Flows.ICMP)
                        .flow("2001:db8::1", "2001:db8::2", Flows.ICMPV6)
                        .batch();
        assertThat(export(batch, NOW)).hasSize(1);
        assertThat(export(batch, NOW))
                .singleElement()
                .satisfies(
                        message ->
                                assertThat(message.records())
                                        .extracting(record -> record.template().id())
                                        .containsExactly(256, 257, 258, 259));
    }

    @Test
    void everyFlowOfAnyBatchComesOutOnceInMessagesWithinTheLimit() throws Exception {
        for (int round = 0; round < 200; round++) {
            int limit = 500 + random.nextInt(3000);
            ExportingProcess any =
                    new ExportingProcess(
                            new ExportOptions(FieldList.DEFAULT, limit, Duration.ofSeconds(1), 1));
            IpfixReader fresh = new IpfixReader();
            for (int i = 0; i < 3; i++) {
                FlowBatch batch = Flows.random(random, random.nextInt(300), 0);
                byte[] octets = Exported.octets(any, batch, NOW + 400L * i);
                assertThat(Exported.datagrams(octets))
                        .allMatch(datagram -> datagram.length <= limit);
                List<Message> messages = Exported.messages(fresh, octets);
                assertThat(messages).allMatch(m -> m.lost() == 0 && m.undecoded().isEmpty());
                assertThat(Exported.records(messages))
                        .extracting(ExportingProcessTest::text)
                        .containsExactlyInAnyOrderElementsOf(
                                batch.asList().stream().map(ExportingProcessTest::text).toList());
            }
        }
    }

    /** What tells a random flow from any other. */
    private static String text(Flow flow) {
        return "%s %s %s %s %s"
                .formatted(
                        flow.sourceAddress(),
                        flow.destinationAddress(),
                        flow.protocolIdentifier(),
                        flow.isIcmp() ? flow.icmpTypeCode() : flow.sourceTransportPort(),
                        Long.toUnsignedString(flow.octetDeltaCount()));
    }

    private static String text(DataRecord record) {
        String family = record.value("ipVersion").get().equals(4L) ? "IPv4" : "IPv6";
        return "%s %s %s %s %s"
                .formatted(
                        record.value("source" + family + "Address").get(),
                        record.value("destination" + family + "Address").get(),
                        record.value("protocolIdentifier").get(),
                        record.value("icmpTypeCode" + family)
                                .or(() -> record.value("sourceTransportPort"))
                                .get(),
                        record.value("octetDeltaCount").get());
    }

    @Test
    void nothingIsAllocatedOnceTheArraysHaveGrown() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        FlowBatch batch = Flows.random(random, 1000, 0);
        MessageWriter out = new MessageWriter();
        for (int i = 0; i < 100; i++) {
            out.clear();
            process.encode(batch, NOW + 1000L * i, out);
        }

        long before = threads.getCurrentThreadAllocatedBytes();
        for (int i = 0; i < 100; i++) {
            out.clear();
            process.encode(batch, NOW + 1000L * i, out);
        }
        long perFlow = (threads.getCurrentThreadAllocatedBytes() - before) / (100 * 1000);

        assertThat(perFlow).isZero();
    }
}
