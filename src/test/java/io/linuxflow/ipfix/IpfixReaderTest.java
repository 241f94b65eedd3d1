// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.ipfix;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.linuxflow.ipfix.Message.UndecodedSet;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Instant;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IpfixReaderTest {

    /** The Message of RFC 7011, Appendix A: A.1, A.2.1, A.3, A.4.1 and A.4.3. */
    private static final String APPENDIX_A =
            """
            000a 0098          # Version 10, Length 152
            65535f00           # Export Time
            00000005           # Sequence Number
            00000007           # Observation Domain ID
            # A.2.1: a Template Set
            0002 001c          # Set ID 2, Length 28
            0100 0005          # Template ID 256, 5 fields
            0008 0004          # sourceIPv4Address
            000c 0004          # destinationIPv4Address
            000f 0004          # ipNextHopIPv4Address
            0002 0004          # packetDeltaCount
            0001 0004          # octetDeltaCount
            # A.3: a Data Set of three Data Records
            0100 0040          # Set ID 256, Length 64
            c000020c c00002fe c0000201 00001391 00518c81
            c000021b c0000217 c0000202 000002ec 0005ef46
            c0000238 c0000241 c0000203 00000005 00001986
            # A.4.1: an Options Template Set
            0003 0018          # Set ID 3, Length 24
            0102 0003 0001     # Template ID 258, 3 fields, 1 of them scope
            008d 0004          # lineCardId
            0029 0002          # exportedMessageTotalCount
            002a 0002          # exportedFlowRecordTotalCount
            0000               # Padding
            # A.4.3: a Data Set of two Data Records
            0102 0014          # Set ID 258, Length 20
            00000001 0159 27d9
            00000002 02b2 4fb2
            """;

    /** A Message of Observation Domain 7 that holds only this Set. */
    private static String message(int sequence, String... sets) {
        byte[] octets = Hex.octets(String.join("", sets));
        return message(sequence, 1000, octets);
    }

    private static String message(int sequence, int exportTime, byte[] sets) {
        return "%04x%04x%08x%08x%08x".formatted(10, 16 + sets.length, exportTime, sequence, 7)
                + HexFormat.of().formatHex(sets);
    }

    private static final String PORTS_TEMPLATE =
            """
            0002 0010          # Template Set, Length 16
            0100 0002          # Template ID 256, 2 fields
            0007 0002          # sourceTransportPort
            000b 0002          # destinationTransportPort
            """;

    private static final String PORTS = "0100 0008 0050 1f90";

    private final IpfixReader reader = new IpfixReader();

    private Message read(String text) throws IpfixException {
        return reader.read("source", Hex.buffer(text));
    }

    @Test
    void appendixA_theWholeMessage() throws Exception {
        ByteBuffer octets = Hex.buffer(APPENDIX_A);

        Message message = reader.read("source", octets);

        assertThat(octets.hasRemaining()).isFalse();
        assertThat(message.exportTime()).isEqualTo(Instant.ofEpochSecond(0x65535f00L));
        assertThat(message.sequenceNumber()).isEqualTo(5);
        assertThat(message.observationDomainId()).isEqualTo(7);
        assertThat(message.templates()).extracting(Template::id).containsExactly(256, 258);
        assertThat(message.undecoded()).isEmpty();
        assertThat(message.records()).hasSize(5);
        assertThat(message.records().get(0).toMap())
                .containsExactly(
                        Map.entry("sourceIPv4Address", InetAddress.getByName("192.0.2.12")),
                        Map.entry("destinationIPv4Address", InetAddress.getByName("192.0.2.254")),
                        Map.entry("ipNextHopIPv4Address", InetAddress.getByName("192.0.2.1")),
                        Map.entry("packetDeltaCount", 5009L),
                        Map.entry("octetDeltaCount", 5344385L));
        assertThat(message.records().get(1).values())
                .containsExactly(
                        InetAddress.getByName("192.0.2.27"),
                        InetAddress.getByName("192.0.2.23"),
                        InetAddress.getByName("192.0.2.2"),
                        748L,
                        388934L);
        assertThat(message.records().get(2).value("octetDeltaCount")).contains(6534L);
        assertThat(message.records().get(3).template().isOptions()).isTrue();
        assertThat(message.records().get(3).toMap())
                .containsExactly(
                        Map.entry("lineCardId", 1L),
                        Map.entry("exportedMessageTotalCount", 345L),
                        Map.entry("exportedFlowRecordTotalCount", 10201L));
        assertThat(message.records().get(4).values()).containsExactly(2L, 690L, 20402L);
    }

    @Test
    void enterpriseNumber0TakesItsFourOctetsAndIsIanas() throws Exception {
        Message message =
                read(
                        message(
                                0,
                                """
                                0002 0014
                                0100 0002
                                8001 0008 00000000  # octetDeltaCount, enterprise bit set
                                0004 0001           # protocolIdentifier
                                """,
                                "0100 000d 0000000000000007 06"));
        assertThat(message.records())
                .extracting(DataRecord::toString)
                .containsExactly("octetDeltaCount=7 protocolIdentifier=6");
    }

    @Test
    void textsFromTheNetworkStayOnTheirLine() throws Exception {
        Message message =
                read(
                        message(
                                0,
                                "0002 000c 0100 0001 0052 000a", // interfaceName:10
                                "0100 000e 65c3bc 0a 61 1b 5b c285 62"));
        assertThat(message.records())
                .extracting(DataRecord::toString)
                .containsExactly("interfaceName=e\u00fc\\u000aa\\u001b[\\u0085b");
    }

    @Test
    void appendixA_2_2_enterpriseSpecificElements() throws Exception {
        String set =
                """
                0002 0020           # Template Set, Length 32
                0101 0005           # Template ID 257, 5 fields
                0008 0004           # sourceIPv4Address
                000c 0004           # destinationIPv4Address
                800f 0004 00007ed9  # element 15 of enterprise 32473
                0002 0004           # packetDeltaCount
                0001 0004           # octetDeltaCount
                0101 0018 c000020c c00002fe 00000102 00000001 00000064
                """;

        assertThat(read(message(0, set)).records())
                .extracting(DataRecord::toString)
                .containsExactly(
                        "sourceIPv4Address=192.0.2.12 destinationIPv4Address=192.0.2.254"
                                + " 32473/15=0x00000102 packetDeltaCount=1 octetDeltaCount=100");

        InformationElement hops =
                new InformationElement(15, 32473, "hops", AbstractDataType.UNSIGNED32);
        IpfixReader extended =
                new IpfixReader(ElementRegistry.iana().with(List.of(hops)), new TemplateStore());
        assertThat(extended.read("source", Hex.buffer(message(0, set))).records())
                .first()
                .satisfies(record -> assertThat(record.value(hops)).contains(0x102L));
    }

    @Test
    void appendixA_5_variableLengthShortAndLong() throws Exception {
        String template = "0002 0010 0100 0002 0052 ffff 0004 0001";
        String name = "61".repeat(1000);
        Message message =
                read(
                        message(
                                0,
                                template,
                                // 5 octets, then 1000 octets in the long form, then none
                                "0100 03f9",
                                "05 68656c6c6f 11",
                                "ff 03e8 " + name + " 06",
                                "00 01"));

        assertThat(message.records())
                .extracting(record -> record.value("interfaceName").get())
                .containsExactly("hello", "a".repeat(1000), "");
        assertThat(message.records())
                .extracting(record -> record.value("protocolIdentifier").get())
                .containsExactly(17L, 6L, 1L);
    }

    @Test
    void section3_3_1_paddingIsSkippedInDataAndTemplateSets() throws Exception {
        String template = "0002 0012 0100 0002 0007 0002 000b 0002 0000";
        Message message = read(message(0, template, "0100 000b 0050 1f90 000000"));

        assertThat(message.records()).hasSize(1);
    }

    @Test
    void section3_1_lostDataRecordsAreCounted() throws Exception {
        assertThat(read(message(10, PORTS_TEMPLATE, PORTS, PORTS)).lost()).isZero();
        assertThat(read(message(12, PORTS)).lost()).isZero();
        assertThat(read(message(15, PORTS)).lost()).isEqualTo(2);
        assertThat(reader.counters().lostRecords()).isEqualTo(2);
    }

    @Test
    void section3_1_optionsDataRecordsCountInTheSequence() throws Exception {
        read(APPENDIX_A);
        String next = APPENDIX_A.replaceFirst("00000005", "%08x".formatted(5 + 3 + 2));
        assertThat(read(next).lost()).isZero();
    }

    @Test
    void section3_1_theSequenceNumberWraps() throws Exception {
        read(message(-1, PORTS_TEMPLATE, PORTS));
        assertThat(read(message(0, PORTS)).lost()).isZero();
    }

    @Test
    void anOvertakenMessageIsLateNotLost() throws Exception {
        read(message(0, PORTS_TEMPLATE, PORTS));
        assertThat(read(message(2, PORTS)).lost()).isEqualTo(1);
        assertThat(read(message(1, PORTS)).lost()).isZero();
        assertThat(read(message(3, PORTS)).lost()).isZero();
        assertThat(reader.counters())
                .extracting(IpfixReader.Counters::lostRecords, IpfixReader.Counters::lateRecords)
                .containsExactly(1L, 1L);
    }

    @Test
    void aRestartedExportingProcessHasLostNothing() throws Exception {
        read(message(1000, PORTS_TEMPLATE, PORTS));
        byte[] sets = Hex.octets(PORTS_TEMPLATE + PORTS);
        assertThat(read(message(0, 1001, sets)).lost()).isZero();
        assertThat(read(message(1, 1001, sets)).lost()).isZero();
        assertThat(reader.counters().lateRecords()).isZero();
    }

    @Test
    void dataSetsBeforeTheirTemplateAreReportedAndBreakNoSequence() throws Exception {
        Message early = read(message(0, PORTS));
        assertThat(early.records()).isEmpty();
        assertThat(early.undecoded()).containsExactly(new UndecodedSet(256, 8));
        assertThat(reader.counters().undecodedSets()).isEqualTo(1);

        // How many records the first one held can't be known, so nothing can be missed.
        assertThat(read(message(1, PORTS_TEMPLATE, PORTS)).lost()).isZero();
        assertThat(read(message(3, PORTS)).lost()).isEqualTo(1);
    }

    @Test
    void reservedSetIdsAreReported() throws Exception {
        assertThat(read(message(0, "0004 0006 abcd")).undecoded())
                .containsExactly(new UndecodedSet(4, 6));
    }

    @Test
    void templatesOfOtherSourcesAndDomainsDoNotApply() throws Exception {
        read(message(0, PORTS_TEMPLATE));
        assertThat(reader.read("other", Hex.buffer(message(0, PORTS))).undecoded()).hasSize(1);
        String otherDomain = message(0, PORTS).replaceFirst("00000007", "00000008");
        assertThat(read(otherDomain).undecoded()).hasSize(1);
        assertThat(read(message(0, PORTS)).records()).hasSize(1);
    }

    @Test
    void section8_aTemplateCanBeRedefined() throws Exception {
        read(message(0, PORTS_TEMPLATE, PORTS));
        Message message = read(message(1, "0002 000c 0100 0001 0001 0004", PORTS));
        assertThat(message.records())
                .extracting(DataRecord::toString)
                .containsExactly("octetDeltaCount=" + 0x00501f90);
    }

    @Test
    void section8_1_aTemplateIsWithdrawn() throws Exception {
        read(message(0, PORTS_TEMPLATE));
        read(message(0, "0002 0008 0100 0000"));
        assertThat(read(message(0, PORTS)).undecoded()).hasSize(1);
    }

    @Test
    void section8_1_allTemplatesOfAKindAreWithdrawn() throws Exception {
        read(APPENDIX_A);
        read(message(10, "0002 0008 0002 0000"));
        Message message = read(message(10, PORTS, "0102 000c 00000001 0159 27d9"));
        assertThat(message.undecoded()).extracting(UndecodedSet::id).containsExactly(256);
        assertThat(message.records()).hasSize(1);

        read(message(11, "0003 0008 0003 0000"));
        assertThat(read(message(11, "0102 000c 00000001 0159 27d9")).undecoded()).hasSize(1);
    }

    @Test
    void aStreamOfMessagesIsReadOneByOne() throws Exception {
        ByteBuffer stream = Hex.buffer(APPENDIX_A + message(10, PORTS_TEMPLATE, PORTS));
        assertThat(reader.read("source", stream).records()).hasSize(5);
        assertThat(stream.remaining()).isEqualTo(40);
        assertThat(reader.read("source", stream).records()).hasSize(1);
        assertThat(stream.hasRemaining()).isFalse();
    }

    @Test
    void theByteOrderOfTheBufferDoesNotMatter() throws Exception {
        ByteBuffer little = Hex.buffer(APPENDIX_A).order(ByteOrder.LITTLE_ENDIAN);
        assertThat(reader.read("source", little).records()).hasSize(5);
    }

    @Test
    void integersLongerThanRegisteredAreStillIntegers() throws Exception {
        // forwardingStatus was registered as unsigned32 once
        String template = "0002 000c 0100 0001 0059 0004";
        assertThat(read(message(0, template, "0100 0008 00000040")).records())
                .first()
                .satisfies(r -> assertThat(r.value("forwardingStatus")).contains(64L));
    }

    @Test
    void fieldsOfAnImpossibleLengthAreOctets() throws Exception {
        String template = "0002 000c 0100 0001 0008 0003";
        assertThat(read(message(0, template, "0100 0007 c00002")).records())
                .extracting(DataRecord::toString)
                .containsExactly("sourceIPv4Address=0xc00002");
    }

    @Test
    void flagsAreShownInHexadecimal() throws Exception {
        String template = "0002 000c 0100 0001 0006 0002";
        assertThat(read(message(0, template, "0100 0006 0012")).records())
                .extracting(DataRecord::toString)
                .containsExactly("tcpControlBits=0x12");
    }

    @Test
    void theFirstOfSeveralEqualElementsIsTheValue() throws Exception {
        String template = "0002 0010 0100 0002 0001 0002 0001 0002";
        DataRecord record = read(message(0, template, "0100 0008 0001 0002")).records().get(0);
        assertThat(record.values()).containsExactly(1L, 2L);
        assertThat(record.value("octetDeltaCount")).contains(1L);
        assertThat(record.toString()).isEqualTo("octetDeltaCount=1 octetDeltaCount=2");
    }

    @Test
    void theSourceSilentForLongestMakesRoom() throws Exception {
        IpfixReader small = new IpfixReader(ElementRegistry.iana(), new TemplateStore(2, 100));
        small.read("a", Hex.buffer(message(0, PORTS_TEMPLATE)));
        small.read("b", Hex.buffer(message(0, PORTS_TEMPLATE)));
        small.read("a", Hex.buffer(message(0, PORTS)));
        small.read("c", Hex.buffer(message(0, PORTS_TEMPLATE)));

        assertThat(small.read("a", Hex.buffer(message(1, PORTS))).records()).hasSize(1);
        assertThat(small.counters().evictedSessions()).isEqualTo(1);
        assertThat(small.read("b", Hex.buffer(message(0, PORTS))).undecoded()).hasSize(1);
    }

    @Test
    void templatesBeyondTheBoundAreRefused() throws Exception {
        IpfixReader small = new IpfixReader(ElementRegistry.iana(), new TemplateStore(2, 3));
        small.read("a", Hex.buffer(message(0, PORTS_TEMPLATE)));
        String another = message(0, PORTS_TEMPLATE.replace("0100 0002", "0101 0002"));
        assertThatThrownBy(() -> small.read("a", Hex.buffer(another)))
                .isInstanceOf(IpfixException.class)
                .hasMessageContaining("bound of 3 fields");
        assertThat(small.read("a", Hex.buffer(message(0, PORTS))).records()).hasSize(1);
    }

    @Test
    void aMalformedMessageChangesNothing() throws Exception {
        read(message(0, PORTS_TEMPLATE, PORTS));
        String redefinitionThenRubbish = message(1, "0002 000c 0100 0001 0001 0004", "0100 0002");

        assertThatThrownBy(() -> read(redefinitionThenRubbish)).isInstanceOf(IpfixException.class);

        Message next = read(message(1, PORTS));
        assertThat(next.lost()).isZero();
        assertThat(next.records().get(0).value("sourceTransportPort")).contains(80L);
        assertThat(reader.counters().malformedMessages()).isEqualTo(1);
        assertThat(reader.counters().messages()).isEqualTo(2);
    }

    @Test
    void readingGoesOnBehindAMalformedMessage() throws Exception {
        ByteBuffer stream = Hex.buffer(message(0, "0002 0003") + message(0, PORTS_TEMPLATE, PORTS));
        assertThatThrownBy(() -> reader.read("source", stream)).isInstanceOf(IpfixException.class);
        assertThat(reader.read("source", stream).records()).hasSize(1);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "000a 0010 0000         | 6 octets are too few for a Message Header",
                "0009 0010 00000000 00000000 00000000 | version 9 is not IPFIX, which is 10: set"
                        + " the",
                "000a 000f 00000000 00000000 00000000 | a Message of 15 octets by its header",
                "000a 0011 00000000 00000000 00000000 | a Message of 17 octets by its header, in"
                        + " 16",
            })
    void section3_1_badHeadersAreRefusedAndTheRestSkipped(String octets, String error) {
        ByteBuffer buffer = Hex.buffer(octets);
        assertThatThrownBy(() -> reader.read("source", buffer))
                .isInstanceOf(IpfixException.class)
                .message()
                .matches("(?s).*" + error + ".*RFC 7011, 3.1.*");
        assertThat(buffer.hasRemaining()).isFalse();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0002                           | too few octets left for a Set Header, at offset"
                        + " 16",
                "0100 0003                      | a Set of 3 octets .* in Set 256 .RFC 7011, 3.3.2",
                "0100 0005                      | a Set of 5 octets where 4 are left",
                "0002 000c 00ff 0001 0001 0004  | Template ID 255 is below 256, at offset 20",
                "0002 0008 0100 0001            | Template 256 with 1 fields does not fit in 0",
                "0002 000c 0100 0001 8001 0004  | a Field Specifier of Template 256 is cut off",
                "0002 000c 0100 0001 0001 0000  | a field of Template 256 is empty, element 1",
                "0002 0008 0050 0000            | withdrawal of Template ID 80, .*8.1",
                "0003 000e 0100 0001 0000 0001 0004 | 0 scope fields of 1 fields, .*3.4.2.2",
                "0003 000e 0100 0001 0002 0001 0004 | 2 scope fields of 1 fields",
                "0003 0008 0100 0001            | the Options Template Record is cut off",
                "0002 000c 0100 0001 0052 ffff 0100 0006 0561 | cut off in its field interfaceName",
                "0002 000c 0100 0001 0052 ffff 0100 0005 ff | cut off before interfaceName, .*7",
                "0002 000c 0100 0001 0114 0001 0100 0005 07 | 7 is no boolean",
            })
    void malformedSetsAreRefusedWithDomainOffsetAndSection(String sets, String error) {
        assertThatThrownBy(() -> read(message(0, sets)))
                .isInstanceOf(IpfixException.class)
                .hasNoCause()
                .message()
                .startsWith("malformed Message of Observation Domain 7: ")
                .contains("at offset ")
                .contains("(RFC 7011, ")
                .matches(".*" + error + ".*");
    }
}
