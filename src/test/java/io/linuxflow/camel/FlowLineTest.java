// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.exporting.EnterpriseElements;
import io.linuxflow.exporting.ExportOptions;
import io.linuxflow.exporting.ExportingProcess;
import io.linuxflow.exporting.FieldList;
import io.linuxflow.exporting.TemplateIds;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.MessageWriter;
import io.linuxflow.ipfix.TemplateStore;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;

class FlowLineTest {

    private static final EnterpriseElements OWN = EnterpriseElements.parse("rule/1=mark", 28972);

    @Test
    void aFlowIsOneLineOfWhatMattersMost() throws IpfixException {
        assertThat(lines(FieldList.DEFAULT_ELEMENTS))
                .containsExactlyInAnyOrder(
                        "2026-11-24T12:00:00.123Z 1.500s TCP 10.0.0.1:1024 > 10.0.0.2:443"
                                + " 3 packets 300 octets if 2 > 3",
                        "2026-11-24T12:00:00.123Z 1.500s TCP [2001:db8::1]:1025 >"
                                + " [2001:db8::2]:443 4 packets 400 octets if 2 > 3",
                        "2026-11-24T12:00:00.123Z 1.500s ICMP 10.0.0.1 > 10.0.0.2 type 8 code 0"
                                + " 5 packets 500 octets if 2 > 3",
                        "2026-11-24T12:00:00.123Z 1.500s ICMPv6 2001:db8::1 > 2001:db8::2"
                                + " type 128 code 0 6 packets 600 octets if 2 > 3");
    }

    @Test
    void whatIsNotUsualStandsBehindByName() throws IpfixException {
        assertThat(
                        lines(
                                FieldList.DEFAULT_ELEMENTS
                                        + ",flowEndNanoseconds,fragmentIdentification,rule"))
                .contains(
                        "2026-11-24T12:00:00.123Z 1.500s TCP 10.0.0.1:1024 > 10.0.0.2:443"
                                + " 3 packets 300 octets if 2 > 3  fragmentIdentification=0 rule=7"
                                        .replace("  ", " "));
    }

    @Test
    void whatTheRecordDoesNotHaveIsADash() throws IpfixException {
        assertThat(lines("sourceIPv4Address,destinationIPv4Address"))
                .contains("- - - 10.0.0.1 > 10.0.0.2 - packets - octets if - > -");
    }

    @Test
    void aRecordWithoutAddressesIsShownFieldByField() throws IpfixException {
        assertThat(lines("packetDeltaCount,ipVersion")).contains("packetDeltaCount=3 ipVersion=4");
    }

    @Test
    void addressesOfAnotherLengthAreShownFieldByField() throws IpfixException {
        assertThat(
                        line(
                                "0100 0002 0008 0005 000c 0004", // sourceIPv4Address:5
                                "c000020100 c0000202"))
                .isEqualTo("sourceIPv4Address=0xc000020100 destinationIPv4Address=192.0.2.2");
    }

    @Test
    void anyTimesHaveADuration() throws IpfixException {
        assertThat(
                        line(
                                "0100 0004 0008 0004 000c 0004 0098 0008 0099 0008",
                                "c0000201 c0000202 0000000000000000 7fffffffffffffff"))
                .contains("1970-01-01T00:00:00Z 9223372036854776.000s - 192.0.2.1 > 192.0.2.2 ");
    }

    /** The line of a record of Template 256. */
    private static String line(String template, String record) throws IpfixException {
        String sets = set("0002", template) + set("0100", record);
        String header = "000a%04x".formatted(16 + sets.length() / 2) + "0".repeat(24);
        byte[] octets = HexFormat.of().parseHex(header + sets);
        DataRecord data = new IpfixReader().read("test", ByteBuffer.wrap(octets)).records().get(0);
        return FlowLine.of(data).replaceAll(" +", " ").strip();
    }

    private static String set(String id, String content) {
        String octets = content.replace(" ", "");
        return id + "%04x".formatted(4 + octets.length() / 2) + octets;
    }

    /** Columns are padded; here that is folded. */
    private static List<String> lines(String fields) throws IpfixException {
        ExportingProcess exporting =
                new ExportingProcess(
                        new ExportOptions(
                                FieldList.parse(fields, OWN, TemplateIds.DEFAULT),
                                1400,
                                Duration.ZERO,
                                1));
        MessageWriter writer = new MessageWriter();
        exporting.encode(TestFlows.ofEachKind(), 0, writer);
        ByteBuffer octets = ByteBuffer.wrap(writer.toByteArray());
        IpfixReader reader = new IpfixReader(OWN.registry(), new TemplateStore());
        List<String> lines = new ArrayList<>();
        while (octets.hasRemaining()) {
            reader.read("test", octets)
                    .records()
                    .forEach(data -> lines.add(FlowLine.of(data).replaceAll(" +", " ").strip()));
        }
        return lines;
    }
}
