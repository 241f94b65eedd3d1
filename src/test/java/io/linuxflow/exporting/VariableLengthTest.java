// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import io.linuxflow.ipfix.MessageWriter;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Fields that are made of columns, of variable length (RFC 7011, section 7) and others. */
class VariableLengthTest {

    private static final long NOW = Flows.TIME / 1_000_000;

    private final Random random = new Random(6);

    private static ExportingProcess process(String fields, int maxMessageLength) {
        return Exported.process(fields, EnterpriseElements.NONE, maxMessageLength);
    }

    private static FlowBatch flows(int size) {
        Flows flows = new Flows();
        for (int i = 0; i < size; i++) {
            flows.flow("192.0.2.1", "192.0.2.2", Flows.TCP).ports(i, 80).counts(1, i);
        }
        return flows.batch();
    }

    private static String hex(byte[] octets) {
        return HexFormat.of().formatHex(octets);
    }

    /** Templates and Data Records of RFC 7011, appendix A. */
    @Test
    void rfc7011_theExampleOfTheAppendix() throws Exception {
        FlowBatch batch =
                new Flows()
                        .flow("192.0.2.12", "192.0.2.254", Flows.TCP)
                        .counts(5009, 5344385)
                        .flow("192.0.2.27", "192.0.2.23", Flows.TCP)
                        .counts(748, 388934)
                        .flow("192.0.2.56", "192.0.2.65", Flows.TCP)
                        .counts(5, 6534)
                        .batch();
        String elements = "sourceIPv4Address,destinationIPv4Address,%s,packetDeltaCount:4,";
        FlowBatch enriched =
                batch.with(List.of(nextHops(batch, "192.0.2.1", "192.0.2.2", "192.0.2.3")));
        String records =
                """
                01000040
                c000020c c00002fe c0000201 00001391 00518c81
                c000021b c0000217 c0000202 000002ec 0005ef46
                c0000238 c0000241 c0000203 00000005 00001986
                """
                        .replaceAll("\\s", "");

        // A.2.1 and A.3: a Template with IETF-specified elements.
        String fields = elements.formatted("ipNextHopIPv4Address") + "octetDeltaCount:4";
        assertThat(hex(Exported.octets(process(fields, 1400), enriched, NOW)))
                .contains(
                        "01000005" + "00080004" + "000c0004" + "000f0004" + "00020004" + "00010004")
                .endsWith(records);

        // A.2.2: the same with an enterprise-specific one.
        fields = elements.formatted("next") + "octetDeltaCount:4";
        EnterpriseElements own = EnterpriseElements.parse("next/15=ipNextHopIPv4Address", 32473);
        assertThat(hex(Exported.octets(Exported.process(fields, own, 1400), enriched, NOW)))
                .contains(
                        "01000005"
                                + "00080004"
                                + "000c0004"
                                + "800f000400007ed9"
                                + "00020004"
                                + "00010004")
                .endsWith(records);
    }

    private static Column nextHops(FlowBatch batch, String... addresses)
            throws UnknownHostException {
        byte[][] values = new byte[batch.size()][];
        for (int i = 0; i < values.length; i++) {
            values[i] = InetAddress.getByName(addresses[i]).getAddress();
        }
        return new Column("ipNextHopIPv4Address", Column.Type.ADDRESS, values);
    }

    /** RFC 7011, section 7 and appendix A.5: one octet of length, or 255 and two octets. */
    @ParameterizedTest
    @ValueSource(ints = {0, 1, 5, 253, 254, 255, 256, 257, 1000})
    void rfc7011_lengthsBelow255TakeOneOctetOthersThree(int length) throws Exception {
        String text = "x".repeat(length);
        FlowBatch batch = Enriched.text(flows(1), "interfaceName", text);
        byte[] octets = Exported.octets(process("ipVersion,interfaceName", 1400), batch, NOW);
        String prefix = length < 255 ? "%02x".formatted(length) : "ff%04x".formatted(length);
        assertThat(hex(octets)).endsWith("04" + prefix + "78".repeat(length));
        assertThat(Exported.records("ipVersion,interfaceName", batch))
                .extracting(DataRecord::values)
                .containsExactly(List.of(4L, text));
    }

    @Test
    void textsStandWhereTheListHasThem() {
        FlowBatch batch =
                Enriched.text(
                        Enriched.text(flows(2), "interfaceName", "eth0"),
                        "interfaceDescription",
                        null);
        byte[] octets =
                Exported.octets(
                        process(
                                "interfaceName,destinationTransportPort,protocolIdentifier,"
                                        + "interfaceDescription,ipVersion",
                                1400),
                        batch,
                        NOW);
        assertThat(hex(octets)).endsWith(("0465746830" + "0050" + "06" + "00" + "04").repeat(2));
    }

    @Test
    void anInterfaceTwiceIsReadAsIngressAndThenEgress() throws Exception {
        FlowBatch batch = flows(1);
        batch = Enriched.text(batch, "interfaceName", "eth1");
        batch = Enriched.text(batch, "egressInterfaceName", "eth1");
        batch = Enriched.text(batch, "ingressInterfaceName", "eth0");
        assertThat(Exported.records("interfaceName:6,packetDeltaCount,interfaceName", batch))
                .extracting(DataRecord::toString)
                .containsExactly("interfaceName=eth0 packetDeltaCount=1 interfaceName=eth1");
        assertThat(Exported.records("interfaceName", batch))
                .extracting(DataRecord::toString)
                .containsExactly("interfaceName=eth1");
    }

    @Test
    void aFixedLengthIsFilledUpOrCutBetweenCharacters() {
        FlowBatch batch = Enriched.text(flows(1), "interfaceName", "a\u00e4\u20ac");
        String[] expected = {"61", "6100", "61c3a4", "61c3a400", "61c3a40000", "61c3a4e282ac"};
        for (int length = 1; length <= 6; length++) {
            ExportingProcess process = process("interfaceName:" + length, 1400);
            assertThat(hex(Exported.octets(process, batch, NOW)))
                    .endsWith("%04x".formatted(4 + length) + expected[length - 1]);
            assertThat(process.cutTexts()).isEqualTo(length < 6 ? 1 : 0);
        }
    }

    @Test
    void aRecordLargerThanAMessageLosesTheEndOfItsLastText() throws Exception {
        String fields = "ipVersion,interfaceName,interfaceDescription";
        for (int length = 0; length < 700; length++) {
            FlowBatch batch = flows(3);
            batch = Enriched.text(batch, "interfaceName", "\u00e4".repeat(100));
            batch = Enriched.text(batch, "interfaceDescription", "\u20ac".repeat(length));
            ExportingProcess process = process(fields, 600);
            byte[] octets = Exported.octets(process, batch, NOW);
            assertThat(Exported.datagrams(octets)).allMatch(datagram -> datagram.length <= 600);
            List<DataRecord> records =
                    Exported.records(Exported.messages(new IpfixReader(), octets));
            int room = 600 - 20 - 1 - 1 - 200 - 1;
            int most = Math.min(length, (room - 2) / 3);
            assertThat(records)
                    .hasSize(3)
                    .allSatisfy(
                            record ->
                                    assertThat(record.values())
                                            .containsExactly(
                                                    4L,
                                                    "\u00e4".repeat(100),
                                                    "\u20ac".repeat(most)));
            assertThat(process.cutTexts()).isEqualTo(most < length ? 3 : 0);
        }
    }

    @Test
    void messagesAreFilledAndNoRecordIsSplit() throws Exception {
        FlowBatch batch = Enriched.text(flows(1000), "interfaceName", "eth0.1234");
        List<byte[]> datagrams =
                Exported.datagrams(
                        Exported.octets(
                                process("octetDeltaCount,interfaceName", 1400), batch, NOW));
        int record = 8 + 1 + 9;
        assertThat(datagrams.subList(1, datagrams.size() - 1))
                .hasSizeGreaterThan(10)
                .allMatch(datagram -> datagram.length == 20 + (1400 - 20) / record * record);
    }

    @Test
    void everyFlowOfAnyBatchComesOutOnceInMessagesWithinTheLimit() throws Exception {
        EnterpriseElements own =
                EnterpriseElements.parse("sourceName/1=sourceHostName,rule/2=mark", 28972);
        String[] lists = {
            "octetDeltaCount,interfaceName,sourceIPv4Address,sourceName,interfaceDescription,rule",
            "interfaceName,octetDeltaCount,interfaceName",
            "octetDeltaCount,interfaceName:20,bgpSourceAsNumber,ipNextHopIPv4Address",
            "sourceName,octetDeltaCount",
        };
        for (int round = 0; round < 400; round++) {
            int limit = 120 + random.nextInt(round % 2 == 0 ? 200 : 3000);
            FieldList list = FieldList.parse(lists[round % 4], own, TemplateIds.DEFAULT);
            int least = 20 + list.templates().stream().mapToInt(t -> t.length()).sum();
            ExportingProcess any = Exported.process(lists[round % 4], own, Math.max(limit, least));
            IpfixReader reader = new IpfixReader();
            for (int i = 0; i < 3; i++) {
                FlowBatch batch =
                        Enriched.everyColumn(Flows.random(random, random.nextInt(200), 0));
                byte[] octets = Exported.octets(any, batch, NOW + 40_000L * i);
                assertThat(Exported.datagrams(octets))
                        .allMatch(datagram -> datagram.length <= Math.max(limit, least));
                List<Message> messages = Exported.messages(reader, octets);
                assertThat(messages).allMatch(m -> m.lost() == 0 && m.undecoded().isEmpty());
                assertThat(Exported.records(messages))
                        .extracting(record -> record.value("octetDeltaCount").get().toString())
                        .containsExactlyInAnyOrderElementsOf(
                                batch.asList().stream()
                                        .map(f -> Long.toUnsignedString(f.octetDeltaCount()))
                                        .toList());
            }
            assertThat(reader.counters().lateRecords()).isZero();
        }
    }

    @Test
    void textsComeOutWithTheFlowsTheyBelongTo() throws Exception {
        FlowBatch batch = Enriched.everyColumn(Flows.random(random, 2000, 0));
        List<String> expected = new ArrayList<>();
        for (Flow flow : batch) {
            expected.add(
                    Enriched.read("interfaceName", flow)
                            + " "
                            + Long.toUnsignedString(flow.octetDeltaCount())
                            + " "
                            + Enriched.read("interfaceDescription", flow));
        }
        assertThat(Exported.records("interfaceName,octetDeltaCount,interfaceDescription", batch))
                .extracting(
                        record ->
                                record.values().get(0)
                                        + " "
                                        + record.values().get(1)
                                        + " "
                                        + record.values().get(2))
                .containsExactlyInAnyOrderElementsOf(expected);
    }

    @Test
    void nothingIsAllocatedOnceTheArraysHaveGrown() {
        var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
        ExportingProcess process =
                process(
                        FieldList.DEFAULT_ELEMENTS
                                + ",interfaceName,interfaceName,interfaceDescription:10,"
                                + "bgpSourceAsNumber,ipNextHopIPv4Address",
                        1400);
        FlowBatch batch = Enriched.everyColumn(Flows.random(random, 1000, 0));
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

    @Test
    void whatTheFirstFlowsLackIsSaidOnceWithTheRemedy() {
        List<String> warnings = new ArrayList<>();
        EnterpriseElements own =
                EnterpriseElements.parse("site/1=column:site,from/2=ingressInterfaceName", 28972);
        ExportingProcess process =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(
                                        "interfaceName,ipNextHopIPv4Address,bgpSourceAsNumber,"
                                                + "bgpDestinationAsNumber,bgpNextHopIPv4Address,"
                                                + "site,from,interfaceDescription,ipVersion",
                                        own,
                                        TemplateIds.DEFAULT),
                                1400,
                                ExportOptions.DEFAULT_TEMPLATE_REFRESH,
                                1),
                        warnings::add);
        Exported.octets(process, new Flows().batch(), NOW);
        assertThat(warnings).isEmpty();

        FlowBatch batch = Enriched.text(flows(1), "bgpSourceAsNumber", "64496");
        Exported.octets(process, batch, NOW);
        Exported.octets(process, flows(1), NOW);
        assertThat(warnings)
                .containsExactly(
                        "Exported as zero or empty, since flows come without: interfaceName"
                                + " (flow.enrich=interfaceNames adds it), ipNextHopIPv4Address"
                                + " (flow.enrich=fib adds it), bgpSourceAsNumber (the column"
                                + " bgpSourceAsNumber is TEXT, not unsigned32),"
                                + " bgpDestinationAsNumber (flow.enrich=prefixTable or asDatabase"
                                + " adds it), bgpNextHopIPv4Address (flow.enrich=prefixTable adds"
                                + " it), site (no hook adds"
                                + " the column site), from (flow.enrich=interfaceNames adds it),"
                                + " interfaceDescription (flow.enrich=interfaceNames adds it)");
    }

    @Test
    void aColumnInWhichNoFlowHasAValueIsNotLacking() {
        List<String> warnings = new ArrayList<>();
        ExportingProcess process =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse("interfaceName,interfaceDescription"),
                                1400,
                                ExportOptions.DEFAULT_TEMPLATE_REFRESH,
                                1),
                        warnings::add);
        FlowBatch batch = Enriched.text(flows(1), "interfaceName", "eth0");
        Column descriptions = Column.empty("interfaceDescription", Column.Type.TEXT, batch.size());
        Exported.octets(process, batch.with(List.of(descriptions)), NOW);
        assertThat(warnings).isEmpty();
    }

    @Test
    void aColumnOfAnotherTypeIsNoValue() throws Exception {
        FlowBatch batch = Enriched.text(flows(1), "bgpSourceAsNumber", "64496");
        assertThat(Exported.records("bgpSourceAsNumber", batch))
                .extracting(DataRecord::toString)
                .containsExactly("bgpSourceAsNumber=0");
    }

    @Test
    void jsonIsText() throws Exception {
        FlowBatch batch = flows(1);
        byte[] json = "{\"a\":1}".getBytes(StandardCharsets.UTF_8);
        batch = batch.with(List.of(new Column("tags", Column.Type.JSON, new byte[][] {json})));
        EnterpriseElements own = EnterpriseElements.parse("tags/1=column:tags", 28972);
        assertThat(Exported.records("tags", own, batch))
                .extracting(DataRecord::toString)
                .containsExactly("tags={\"a\":1}");
    }
}
