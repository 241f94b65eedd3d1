// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.exporting;

import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixReader;
import java.io.IOException;
import java.math.BigInteger;
import java.net.InetAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The table, against what each Information Element should say of a flow. */
class FlowFieldTest {

    private static final Map<String, Function<Flow, Object>> EXPECTED =
            Map.ofEntries(
                    entry("flowStartSeconds", f -> time(f.flowStartNanos(), ChronoUnit.SECONDS)),
                    entry("flowEndSeconds", f -> time(f.flowEndNanos(), ChronoUnit.SECONDS)),
                    entry(
                            "flowStartMilliseconds",
                            f -> time(f.flowStartNanos(), ChronoUnit.MILLIS)),
                    entry("flowEndMilliseconds", f -> time(f.flowEndNanos(), ChronoUnit.MILLIS)),
                    entry(
                            "flowStartMicroseconds",
                            f -> time(f.flowStartNanos(), ChronoUnit.MICROS)),
                    entry("flowEndMicroseconds", f -> time(f.flowEndNanos(), ChronoUnit.MICROS)),
                    entry("flowStartNanoseconds", f -> time(f.flowStartNanos(), ChronoUnit.NANOS)),
                    entry("flowEndNanoseconds", f -> time(f.flowEndNanos(), ChronoUnit.NANOS)),
                    entry("octetDeltaCount", f -> unsigned(f.octetDeltaCount())),
                    entry("packetDeltaCount", f -> unsigned(f.packetDeltaCount())),
                    entry("ipVersion", f -> (long) f.ipVersion()),
                    entry("sourceIPv4Address", Flow::sourceAddress),
                    entry("sourceIPv6Address", Flow::sourceAddress),
                    entry("destinationIPv4Address", Flow::destinationAddress),
                    entry("destinationIPv6Address", Flow::destinationAddress),
                    entry("protocolIdentifier", f -> (long) f.protocolIdentifier()),
                    entry("sourceTransportPort", f -> (long) f.sourceTransportPort()),
                    entry("destinationTransportPort", f -> (long) f.destinationTransportPort()),
                    entry("icmpTypeCodeIPv4", f -> (long) f.icmpTypeCode()),
                    entry("icmpTypeCodeIPv6", f -> (long) f.icmpTypeCode()),
                    entry("ingressInterface", Flow::ingressInterface),
                    entry("egressInterface", Flow::egressInterface),
                    entry("flowDirection", f -> (long) f.flowDirection()),
                    entry("tcpControlBits", f -> (long) f.tcpControlBits()),
                    entry("ipClassOfService", f -> (long) f.ipClassOfService()),
                    entry("minimumTTL", f -> (long) f.minimumTTL()),
                    entry("maximumTTL", f -> (long) f.maximumTTL()),
                    entry("fragmentIdentification", Flow::fragmentIdentification),
                    entry("vlanId", f -> (long) f.dot1qVlanId()),
                    entry("dot1qVlanId", f -> (long) f.dot1qVlanId()),
                    entry("dot1qCustomerVlanId", f -> (long) f.dot1qCustomerVlanId()),
                    entry("flowLabelIPv6", f -> Integer.toUnsignedLong(f.flowLabelIPv6())),
                    entry("flowEndReason", f -> (long) f.flowEndReason()),
                    entry("forwardingStatus", f -> f.flowDirection() == 1 ? 64L : 0L),
                    entry("observationDomainId", f -> 1L),
                    column("interfaceName"),
                    column("interfaceDescription"),
                    column("sourceIPv4PrefixLength"),
                    column("sourceIPv6PrefixLength"),
                    column("destinationIPv4PrefixLength"),
                    column("destinationIPv6PrefixLength"),
                    column("ipNextHopIPv4Address"),
                    column("ipNextHopIPv6Address"),
                    column("bgpNextHopIPv4Address"),
                    column("bgpNextHopIPv6Address"),
                    column("bgpSourceAsNumber"),
                    column("bgpDestinationAsNumber"));

    private static Map.Entry<String, Function<Flow, Object>> column(String name) {
        return entry(name, flow -> Enriched.read(name, flow));
    }

    private static Object time(long nanos, ChronoUnit unit) {
        return Instant.ofEpochSecond(nanos / 1_000_000_000, nanos % 1_000_000_000)
                .truncatedTo(unit);
    }

    private static Object unsigned(long value) {
        return value >= 0 ? value : (Object) new BigInteger(Long.toUnsignedString(value));
    }

    /** The least and the greatest value of every member, of every kind of flow. */
    private static FlowBatch edges() {
        Flows flows = new Flows();
        int[][] kinds = {{4, Flows.TCP}, {6, Flows.UDP}, {4, Flows.ICMP}, {6, Flows.ICMPV6}};
        for (int[] kind : kinds) {
            boolean v4 = kind[0] == 4;
            flows.flow(v4 ? "0.0.0.0" : "::", v4 ? "0.0.0.0" : "::", kind[1]).times(0, 0);
            String greatest = v4 ? "255.255.255.255" : "ffff" + ":ffff".repeat(7);
            flows.flow(greatest, greatest, kind[1])
                    .ports(65535, 65535)
                    .interfaces(-1, -1)
                    .direction(1)
                    .counts(-1, -1)
                    // 2100, behind the end of NTP's era 0
                    .times(4_102_444_799_999_999_999L, 4_102_444_800_000_000_000L)
                    .vlans(4095, 4095)
                    .tcpFlags(0xffff)
                    .header(255, 255, 255)
                    .fragment(-1)
                    .flowLabel(0xfffff)
                    .endReason(5);
            flows.flow(v4 ? "0.0.0.0" : "::", v4 ? "0.0.0.0" : "::", kind[1])
                    .counts(Long.MAX_VALUE, Long.MIN_VALUE)
                    .times(999_999_999L, 1_000_000_000L);
        }
        return flows.batch();
    }

    @Test
    void theTableIsCompletelyExpected() {
        assertThat(FlowField.TABLE)
                .extracting(FlowField::name)
                .containsExactlyInAnyOrderElementsOf(EXPECTED.keySet());
    }

    @Test
    void everyElementIsReadBackWithItsLeastAndGreatestValue() throws Exception {
        everyElementIsReadBack(Enriched.everyColumn(edges()));
    }

    @Test
    void everyElementIsReadBackWithAnyValue() throws Exception {
        everyElementIsReadBack(Enriched.everyColumn(Flows.random(new Random(2), 1000, 0)));
    }

    /** Supported there, under development, and planned for the mid and the long term. */
    @Test
    void everyElementThatTheGoProjectNamesIsThere() {
        String named =
                """
                FlowEndMilliseconds FlowStartMilliseconds FlowEndNanoseconds FlowStartNanoseconds
                OctetDeltaCount PacketDeltaCount IpVersion IngressInterface EgressInterface
                SourceIPv4Address DestinationIPv4Address ProtocolIdentifier SourceTransportPort
                DestinationTransportPort forwardingStatus
                flowDirection tcpControlBits icmpTypeCodeIPv4
                ipClassOfService sourceIPv4PrefixLength destinationIPv4PrefixLength
                ipNextHopIPv4Address bgpSourceAsNumber bgpDestinationAsNumber
                bgpNextHopIPv4Address minimumTTL maximumTTL fragmentIdentification vlanId
                flowEndReason dot1qVlanId dot1qCustomerVlanId
                """;
        assertThat(named.strip().split("\\s+"))
                .hasSize(32)
                .allMatch(n -> FlowField.of(n).isPresent());
        FieldList.parse(String.join(",", named.strip().split("\\s+")));
    }

    @Test
    void theReadmeListsTheTable() throws IOException {
        String readme = Files.readString(Path.of("README.md"));
        Matcher list = Pattern.compile("To choose from:\\s+([\\w,\\s]+)\\.").matcher(readme);
        assertThat(list.find()).isTrue();
        assertThat(list.group(1).split(",\\s+"))
                .containsExactlyElementsOf(FlowField.TABLE.stream().map(FlowField::name).toList());
        assertThat(readme)
                .as("columns without an element of IANA's are sources of enterprise elements")
                .contains(
                        ColumnSource.known().stream()
                                .filter(name -> FlowField.of(name).isEmpty())
                                .map(name -> "`" + name + "`")
                                .toList());
    }

    private static void everyElementIsReadBack(FlowBatch batch) throws Exception {
        for (FlowField field : FlowField.TABLE) {
            List<Object> expected = new ArrayList<>();
            for (Flow flow : batch) {
                if (field.kinds()
                        .contains(FlowKind.of(flow.ipVersion(), flow.protocolIdentifier()))) {
                    expected.add(EXPECTED.get(field.name()).apply(flow));
                }
            }
            // Next to another one, since not every kind of flow has every element.
            String other = field.name().equals("ipVersion") ? "flowDirection" : "ipVersion";
            List<Object> values = new ArrayList<>();
            for (DataRecord record : Exported.records(other + "," + field.name(), batch)) {
                record.value(field.element()).ifPresent(values::add);
            }
            assertThat(values)
                    .as(field.name())
                    .isNotEmpty()
                    .containsExactlyInAnyOrderElementsOf(expected);
        }
    }

    @Test
    void withoutColumnsTheirElementsAreZeroOrEmpty() throws Exception {
        FlowBatch batch = new Flows().flow("192.0.2.1", "192.0.2.2", Flows.TCP).batch();
        assertThat(
                        Exported.records(
                                "bgpSourceAsNumber,interfaceName,ipNextHopIPv4Address,"
                                        + "sourceIPv4PrefixLength,interfaceDescription:8",
                                batch))
                .extracting(DataRecord::toString)
                .containsExactly(
                        "bgpSourceAsNumber=0 interfaceName= ipNextHopIPv4Address=0.0.0.0"
                                + " sourceIPv4PrefixLength=0 interfaceDescription=");
    }

    @Test
    void numbersOfAnotherLengthAreFittedIn() throws Exception {
        FlowBatch batch = new Flows().flow("192.0.2.1", "192.0.2.2", Flows.TCP).batch();
        byte[] large = {0, 0, 0, 1, 0, 0, 0, 0};
        FlowBatch enriched =
                batch.with(
                        List.of(
                                Enriched.column("bgpSourceAsNumber", batch, f -> new byte[] {7}),
                                Enriched.column("bgpDestinationAsNumber", batch, f -> large)));
        assertThat(Exported.records("bgpSourceAsNumber,bgpDestinationAsNumber", enriched))
                .extracting(DataRecord::values)
                .containsExactly(List.of(7L, 0xffff_ffffL));
    }

    @Test
    void anAddressOfTheOtherIpVersionIsNone() throws Exception {
        FlowBatch batch = new Flows().flow("192.0.2.1", "192.0.2.2", Flows.TCP).batch();
        byte[] next = InetAddress.getByName("2001:db8::1").getAddress();
        FlowBatch enriched =
                batch.with(List.of(Enriched.column("ipNextHopIPv4Address", batch, f -> next)));
        assertThat(Exported.records("ipNextHopIPv4Address", enriched))
                .extracting(DataRecord::toString)
                .containsExactly("ipNextHopIPv4Address=0.0.0.0");
    }

    @Test
    void reducedSizeKeepsValuesThatFit() throws Exception {
        FlowBatch batch =
                new Flows()
                        .flow("192.0.2.1", "192.0.2.2", Flows.TCP)
                        .counts(0xffff_ffffL, 70_000)
                        .interfaces(65535, 7)
                        .batch();
        assertThat(
                        Exported.records(
                                "packetDeltaCount:4,octetDeltaCount:5,ingressInterface:2,"
                                        + "egressInterface:3",
                                batch))
                .extracting(DataRecord::values)
                .containsExactly(List.of(0xffff_ffffL, 70_000L, 65535L, 7L));
    }

    @Test
    void valuesTooLargeForTheirReducedSizeAreCappedAndCounted() throws Exception {
        FlowBatch batch =
                new Flows()
                        .flow("192.0.2.1", "192.0.2.2", Flows.TCP)
                        .counts(1L << 32, -1)
                        .interfaces(65536, -1)
                        .batch();
        ExportingProcess process =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(
                                        "packetDeltaCount:4,octetDeltaCount:7,"
                                                + "ingressInterface:2,egressInterface:3"),
                                1400,
                                ExportOptions.DEFAULT_TEMPLATE_REFRESH,
                                1));
        byte[] octets = Exported.octets(process, batch, 0);

        assertThat(Exported.records(Exported.messages(new IpfixReader(), octets)))
                .extracting(DataRecord::values)
                .containsExactly(List.of(0xffff_ffffL, 0xff_ffff_ffff_ffffL, 65535L, 0xff_ffffL));
        assertThat(process.cappedValues()).isEqualTo(4);
    }

    @Test
    void rfc9565_oneOctetOfTcpControlBitsHoldsTheClassicFlags() throws Exception {
        FlowBatch batch =
                new Flows().flow("192.0.2.1", "192.0.2.2", Flows.TCP).tcpFlags(0x1d2).batch();
        assertThat(Exported.records("tcpControlBits:1", batch))
                .extracting(DataRecord::toString)
                .containsExactly("tcpControlBits=0xd2");
        assertThat(Exported.records("tcpControlBits", batch))
                .extracting(DataRecord::toString)
                .containsExactly("tcpControlBits=0x1d2");
    }
}
