// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.linuxflow.agent.AgentConfig.Purpose;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixReader;
import io.linuxflow.ipfix.Message;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FlowFileTest {

    private static final Path EXAMPLES = Path.of("misc/examples");

    @TempDir private Path directory;

    private static List<Message> messages(byte[] octets) throws Exception {
        IpfixReader reader = new IpfixReader();
        List<Message> messages = new ArrayList<>();
        for (ByteBuffer buffer = ByteBuffer.wrap(octets); buffer.hasRemaining(); ) {
            messages.add(reader.read("file", buffer));
        }
        return messages;
    }

    @Test
    void theExampleIsReadBackAsItIsWritten() throws Exception {
        AgentConfig config =
                AgentConfig.read(EXAMPLES.resolve("dummy.yaml"), Purpose.FLOW_FILE, null);
        FlowFile flows = FlowFile.read(EXAMPLES.resolve("dummy-flows.yaml"), config);

        List<Message> messages = messages(ExportedFile.encode(config, flows, 1_700_000_000_123L));

        List<DataRecord> records = messages.stream().flatMap(m -> m.records().stream()).toList();
        assertThat(messages).allSatisfy(m -> assertThat(m.lost()).isZero());
        assertThat(records.get(0).values())
                .containsExactly(
                        InetAddress.getByName("10.1.0.2"),
                        InetAddress.getByName("10.2.0.2"),
                        6L,
                        100L);
        assertThat(records.get(1).template().id()).isEqualTo(300);
        assertThat(records.get(2).values())
                .containsExactly(
                        InetAddress.getByName("fd00:1::2"),
                        InetAddress.getByName("fd00:2::2"),
                        Instant.parse("2026-11-24T15:00:00.250Z"),
                        0x1bL,
                        "eth0",
                        123_456_789_012L);
        assertThat(records).hasSize(3);
    }

    @Test
    void messagesKeepToTheMaximumAndSequenceNumbersCountRecords() throws Exception {
        AgentConfig config = config("maxIpfixMessageLen: 40\n", "sourceIPv4Address", "vlanId");
        StringBuilder text = new StringBuilder("flowsets:\n- templateId: 300\n  flows:\n");
        for (int i = 0; i < 10; i++) {
            text.append("  - {SourceIPv4Address: ").append(i).append(", vlanId: 0x1}\n");
        }
        FlowFile flows = FlowFile.read(write("flow.yaml", text.toString()), config);

        List<Message> messages = messages(ExportedFile.encode(config, flows, 0));

        assertThat(messages.stream().map(Message::sequenceNumber))
                .containsExactly(0L, 0L, 3L, 6L, 9L);
        assertThat(messages.stream().map(m -> m.records().size())).containsExactly(0, 3, 3, 3, 1);
    }

    @Test
    void allThatCannotBeSentIsToldWithItsLine() throws IOException {
        AgentConfig config =
                config("", "sourceIPv4Address", "vlanId", "flowEndSeconds", "samplingProbability");
        Path file =
                write(
                        "flow.yaml",
                        """
                        flowsets:
                        - templateId: 301
                          flows: []
                        - templateId: 300
                          flows:
                          - sourceIPv4Address: 10.1.0.300
                            vlanId: 65536
                            flowEndSeconds: today
                            samplingProbability: half
                          - sourceIPv4Address: 0x100000000
                            vlanIds: 1
                            flowEndSeconds: 1
                        - flows: []
                        - templateId: 300
                        """);
        ConfigException e =
                catchThrowableOfType(ConfigException.class, () -> FlowFile.read(file, config));
        assertThat(e.problems().stream().map(problem -> problem.replace(file.toString(), "f")))
                .containsExactly(
                        "f:2: flowsets[0].templateId: %s has no template 301, only [300]"
                                .formatted(config.file()),
                        "f:6: flowsets[1].flows[0].sourceIPv4Address: '10.1.0.300' is no IPv4"
                                + " address, as 10.1.0.1 or 0x0a010001 are",
                        "f:7: flowsets[1].flows[0].vlanId: 65536 is out of range: 0 to 65535",
                        "f:8: flowsets[1].flows[0].flowEndSeconds: 'today' is no time: give it as"
                                + " 2026-11-24T15:00:00Z, or as a number of seconds since 1970",
                        "f:9: flowsets[1].flows[0].samplingProbability: 'half' is no number",
                        "f:10: flowsets[1].flows[1].sourceIPv4Address: '0x100000000' is no IPv4"
                                + " address, as 10.1.0.1 or 0x0a010001 are",
                        "f:10: flowsets[1].flows[1]: vlanId is missing, which template 300 has",
                        "f:10: flowsets[1].flows[1]: samplingProbability is missing, which"
                                + " template 300 has",
                        "f:11: flowsets[1].flows[1].vlanIds: no Information Element; the nearest"
                                + " are vlanId, classId, wlanSSID",
                        "f:13: flowsets[2]: templateId is missing",
                        "f:14: flowsets[3]: flows is missing");
    }

    private AgentConfig config(String more, String... fields) throws IOException {
        return AgentConfig.read(
                write(
                        "config.yaml",
                        more
                                + "collectors:\n- address: 127.0.0.1:4739\n"
                                + "templates:\n- id: 300\n  template: ["
                                + String.join(", ", fields)
                                + "]\n"),
                Purpose.FLOW_FILE,
                null);
    }

    private Path write(String name, String text) throws IOException {
        return Files.writeString(directory.resolve(name), text);
    }
}
