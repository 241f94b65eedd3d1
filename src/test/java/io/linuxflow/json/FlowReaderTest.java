// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.json;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.tuple;

import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.linuxflow.camel.TestFlows;
import io.linuxflow.flow.Column;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.json.FlowReader.Result;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

class FlowReaderTest {

    private static final ObjectMapper MAPPER = new ObjectMapper();

    /** Four flows of each kind, with something in every octet that JSON does not show. */
    private static FlowBatch batch() {
        FlowBatch flows = TestFlows.ofEachKind();
        byte[] records = flows.records();
        for (int at = 0; at < records.length; at += FlowLayout.SIZE) {
            FlowLayout.SHORT.set(records, at + FlowLayout.VLAN_ID, (short) 100);
            FlowLayout.SHORT.set(records, at + FlowLayout.CUSTOMER_VLAN_ID, (short) 200);
            FlowLayout.INT.set(records, at + FlowLayout.FLOW_LABEL, 0xabcde);
            FlowLayout.INT.set(records, at + FlowLayout.FRAGMENT_ID, 0xffffffff);
            records[at + FlowLayout.SIZE - 1] = 77;
        }
        return new FlowBatch(records, flows.size(), 5).from("blue");
    }

    /** What comes of a batch whose JSON is changed in this way. */
    private static Result through(FlowBatch batch, JsonShape shape, Consumer<ArrayNode> change)
            throws IOException {
        FlowReader reader = new FlowReader(shape, batch);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        reader.write(out);
        ArrayNode array = (ArrayNode) MAPPER.readTree(out.toByteArray());
        change.accept(array);
        return reader.read(new ByteArrayInputStream(MAPPER.writeValueAsBytes(array)));
    }

    private static Result log(Consumer<ArrayNode> change) throws IOException {
        return through(batch(), JsonShape.LOG, change);
    }

    private static ObjectNode flow(ArrayNode array, int index) {
        return (ObjectNode) array.get(index);
    }

    private static void each(ArrayNode array, Consumer<ObjectNode> change) {
        array.forEach(flow -> change.accept((ObjectNode) flow));
    }

    private static byte[] record(FlowBatch batch, int index) {
        int at = index * FlowLayout.SIZE;
        return Arrays.copyOfRange(batch.records(), at, at + FlowLayout.SIZE);
    }

    private static String json(FlowBatch batch, JsonShape shape) throws IOException {
        FlowWriter writer = new FlowWriter(shape, batch);
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (JsonGenerator json = MAPPER.createGenerator(out)) {
            for (Flow flow : batch) {
                writer.write(json, flow);
            }
        }
        return out.toString(StandardCharsets.UTF_8);
    }

    private static String text(FlowBatch batch, String column, int flow) {
        byte[] value = batch.column(column).value(flow);
        return value == null ? null : new String(value, StandardCharsets.UTF_8);
    }

    @ParameterizedTest
    @EnumSource(JsonShape.class)
    void whatComesBackUnchangedIsTheBatchItself(JsonShape shape) throws IOException {
        FlowBatch batch = batch();

        Result result = through(batch, shape, array -> {});

        assertThat(result.batch()).isSameAs(batch);
        assertThat(result.dropped()).isZero();
        assertThat(result.added()).isZero();
    }

    @Test
    void membersWithOtherNamesBecomeColumnsOfTheSameRecords() throws IOException {
        FlowBatch batch = batch();
        Result result =
                through(
                        batch,
                        JsonShape.LOG,
                        array -> {
                            each(array, flow -> flow.put("host", "r1"));
                            each(array, flow -> flow.put("bgpSourceAsNumber", 65000));
                            each(array, flow -> flow.put("ipNextHopIPv4Address", "10.0.0.9"));
                            each(array, flow -> flow.put("interfaceName", "eth0"));
                            flow(array, 1).put("mixed", "text");
                            flow(array, 2).putObject("mixed").put("a", 1);
                            flow(array, 3).putNull("mixed");
                        });

        FlowBatch flows = result.batch();
        assertThat(flows.records()).isSameAs(batch.records());
        assertThat(flows.columns())
                .extracting(Column::name, Column::type)
                .containsExactly(
                        tuple("host", Column.Type.TEXT),
                        tuple("bgpSourceAsNumber", Column.Type.UNSIGNED),
                        tuple("ipNextHopIPv4Address", Column.Type.ADDRESS),
                        tuple("interfaceName", Column.Type.TEXT),
                        tuple("mixed", Column.Type.JSON));
        assertThat(flows.column("bgpSourceAsNumber").value(2))
                .containsExactly(0, 0, 65000 >> 8, 65000 & 0xff);
        assertThat(flows.column("ipNextHopIPv4Address").value(0)).containsExactly(10, 0, 0, 9);
        assertThat(text(flows, "interfaceName", 3)).isEqualTo("eth0");
        assertThat(text(flows, "mixed", 0)).isNull();
        assertThat(text(flows, "mixed", 1)).isEqualTo("\"text\"");
        assertThat(text(flows, "mixed", 2)).isEqualTo("{\"a\":1}");
        assertThat(text(flows, "mixed", 3)).isNull();
        assertThat(flows.column("host").value(0)).isSameAs(flows.column("host").value(3));
    }

    @Test
    void changedMembersChangeTheRecordAndNothingElseOfIt() throws IOException {
        FlowBatch batch = batch();
        Result result =
                log(
                        array ->
                                flow(array, 0)
                                        .put("pkts", 9.0)
                                        .put("sport", 65535)
                                        .put("src", "192.0.2.7")
                                        .put("action", 0xffff_ffffL)
                                        .put("endtime", 1_800_000_000_000L)
                                        .put("finished", 0));

        Flow flow = result.batch().flow(0);
        assertThat(flow.packetDeltaCount()).isEqualTo(9);
        assertThat(flow.sourceTransportPort()).isEqualTo(65535);
        assertThat(flow.sourceAddress().getHostAddress()).isEqualTo("192.0.2.7");
        assertThat(flow.mark()).isEqualTo(0xffff_ffffL);
        assertThat(flow.flowEndNanos()).isEqualTo(1_800_000_000_000_000_000L);
        assertThat(flow.flowStartNanos()).isEqualTo(batch.flow(0).flowStartNanos());
        assertThat(flow.flowEndReason()).isEqualTo(Flow.ACTIVE_TIMEOUT);
        assertThat(flow.dot1qVlanId()).isEqualTo(100);
        assertThat(flow.fragmentIdentification()).isEqualTo(0xffff_ffffL);
        assertThat(record(result.batch(), 0)[FlowLayout.SIZE - 1]).isEqualTo((byte) 77);
        assertThat(result.batch().observationDomain()).isEqualTo(5);
        assertThat(result.batch().namespace()).isEqualTo("blue");
        for (int other = 1; other < 4; other++) {
            assertThat(record(result.batch(), other)).isEqualTo(record(batch, other));
        }
    }

    @Test
    void everyMemberOfEachShapeCanBeChanged() throws IOException {
        for (JsonShape shape : JsonShape.values()) {
            for (FlowMember member : shape.members()) {
                if (member.field() == FlowLayout.IP_VERSION) {
                    continue;
                }
                FlowBatch flows =
                        through(
                                        batch(),
                                        shape,
                                        array ->
                                                each(
                                                        array,
                                                        flow -> {
                                                            if (!flow.has(member.name())) {
                                                                return;
                                                            }
                                                            if (flow.get(member.name())
                                                                    .isTextual()) {
                                                                boolean v6 =
                                                                        flow.get(member.name())
                                                                                .asText()
                                                                                .contains(":");
                                                                flow.put(
                                                                        member.name(),
                                                                        v6
                                                                                ? "fd00::9"
                                                                                : "10.9.9.9");
                                                            } else {
                                                                flow.put(member.name(), 1);
                                                            }
                                                        }))
                                .batch();
                boolean some = false;
                for (Flow flow : flows) {
                    if (member.isPresent(batch().flow(flow.index()))
                            && member.isPresent(flow)
                            // Ports of ICMP are shown as 0, and its type is where a port would be.
                            && !(flow.isIcmp() && member.name().equals("dport"))) {
                        assertThat(member.value(flow))
                                .as("%s of %s", member.name(), flow.index())
                                .isIn(1L, "10.9.9.9", "fd00::9");
                        some = true;
                    }
                }
                assertThat(some).as(member.name()).isTrue();
            }
        }
    }

    @Test
    void flowsComeBackInAnyOrderWithChangedAddresses() throws IOException {
        FlowBatch batch = TestFlows.tcp(1000, 1);
        List<Integer> order = new ArrayList<>();
        Result result =
                through(
                        batch,
                        JsonShape.ELEMENTS,
                        array -> {
                            List<ObjectNode> flows = new ArrayList<>();
                            each(array, flows::add);
                            Collections.shuffle(flows, new Random(1));
                            flows.removeIf(flow -> flow.get(FlowReader.INDEX).asInt() % 10 == 0);
                            array.removeAll();
                            array.addAll(flows);
                            each(array, flow -> flow.put("sourceIPv4Address", "0.0.0.0"));
                            flows.forEach(flow -> order.add(flow.get(FlowReader.INDEX).asInt()));
                        });

        assertThat(result.dropped()).isEqualTo(100);
        assertThat(result.added()).isZero();
        assertThat(result.batch().size()).isEqualTo(900);
        for (Flow flow : result.batch()) {
            Flow before = batch.flow(order.get(flow.index()));
            assertThat(flow.sourceTransportPort()).isEqualTo(before.sourceTransportPort());
            assertThat(flow.mark()).isEqualTo(7);
            assertThat(flow.sourceAddress().getHostAddress()).isEqualTo("0.0.0.0");
        }
    }

    @Test
    void withoutItsIndexAFlowIsKnownByItsKey() throws IOException {
        FlowBatch batch = batch();
        Result result =
                log(
                        array -> {
                            ObjectNode third = flow(array, 2);
                            ObjectNode first = flow(array, 0);
                            array.removeAll().add(third).add(first);
                            each(array, flow -> flow.remove(FlowReader.INDEX));
                        });

        assertThat(result.dropped()).isEqualTo(2);
        assertThat(result.added()).isZero();
        assertThat(record(result.batch(), 0)).isEqualTo(record(batch, 2));
        assertThat(record(result.batch(), 1)).isEqualTo(record(batch, 0));
    }

    @Test
    void flowsOfTheSameKeyAreToldApartByTheirOrder() throws IOException {
        FlowBatch one = TestFlows.tcp(1, 1000);
        byte[] records = Arrays.copyOf(one.records(), 2 * FlowLayout.SIZE);
        System.arraycopy(one.records(), 0, records, FlowLayout.SIZE, FlowLayout.SIZE);
        FlowLayout.INT.set(records, FlowLayout.SIZE + FlowLayout.FRAGMENT_ID, 2);
        FlowBatch batch = new FlowBatch(records, 2, 0);

        Result result =
                through(
                        batch,
                        JsonShape.LOG,
                        array -> each(array, flow -> flow.remove(FlowReader.INDEX)));

        assertThat(result.batch()).isSameAs(batch);
    }

    @Test
    void withPartOfItsKeyAFlowIsKnownByItsPlaceIfNoneIsMissing() throws IOException {
        FlowBatch batch = batch();
        Result result =
                log(array -> each(array, flow -> flow.retain("src", "dst", "pkts", "bytes")));

        assertThat(result.batch().records()).isSameAs(result.batch().flow(0).batch().records());
        assertThat(record(result.batch(), 3)).isEqualTo(record(batch, 3));
        assertThat(json(result.batch(), JsonShape.LOG))
                .startsWith("{\"src\":\"10.0.0.1\",\"dst\":\"10.0.0.2\",\"pkts\":3,\"bytes\":300}");

        assertThatThrownBy(
                        () ->
                                log(
                                        array -> {
                                            array.remove(3);
                                            each(array, flow -> flow.retain("src", "dst"));
                                        }))
                .isInstanceOf(FlowJsonException.class)
                .hasMessage(
                        "3 of 4 flows are there, without flowIndex, so which is which can't be"
                                + " told");
    }

    @Test
    void aFlowMayBecomeTwoAndNewOnesMayBeAdded() throws IOException {
        Result result =
                log(
                        array -> {
                            array.add(flow(array, 0).deepCopy().put("bytes", 1));
                            array.addObject()
                                    .put("src", "fd00::1")
                                    .put("dst", "fd00::2")
                                    .put("proto", 17)
                                    .put("sport", 53)
                                    .put("pkts", 1)
                                    .put("bytes", 100)
                                    .put("start", 1000)
                                    .put("end", 2000)
                                    .put("note", "made up");
                        });

        assertThat(result.added()).isEqualTo(1);
        assertThat(result.dropped()).isZero();
        FlowBatch flows = result.batch();
        assertThat(flows.size()).isEqualTo(6);
        assertThat(flows.flow(4).octetDeltaCount()).isEqualTo(1);
        assertThat(flows.flow(4).sourceTransportPort()).isEqualTo(1024);
        Flow added = flows.flow(5);
        assertThat(added.ipVersion()).isEqualTo(6);
        assertThat(IpAddress.text(added.sourceAddress().getAddress())).isEqualTo("fd00::1");
        assertThat(added.protocolIdentifier()).isEqualTo(17);
        assertThat(added.sourceTransportPort()).isEqualTo(53);
        assertThat(added.flowStartNanos()).isEqualTo(1_000_000_000);
        assertThat(added.flowEndReason()).isEqualTo(Flow.ACTIVE_TIMEOUT);
        assertThat(text(flows, "note", 5)).isEqualTo("made up");
        assertThat(text(flows, "note", 0)).isNull();
    }

    @Test
    void aMemberThatDoesNotComeBackIsNotShownAnyMore() throws IOException {
        FlowBatch flows =
                log(array -> {
                            flow(array, 0).remove("action");
                            flow(array, 1).putNull("sport");
                        })
                        .batch();

        List<String> objects = List.of(json(flows, JsonShape.LOG).split("(?<=\\})\\s*(?=\\{)"));
        assertThat(objects.get(0)).doesNotContain("action").contains("\"sport\":1024");
        assertThat(objects.get(1)).doesNotContain("sport").contains("\"action\":7");
        assertThat(flows.flow(0).mark()).isEqualTo(7);

        // The next one gets what is shown, and may change it.
        FlowBatch again =
                through(flows, JsonShape.LOG, array -> flow(array, 1).put("action", 8)).batch();
        objects = List.of(json(again, JsonShape.LOG).split("(?<=\\})\\s*(?=\\{)"));
        assertThat(objects.get(0)).doesNotContain("action");
        assertThat(objects.get(1)).contains("\"action\":8").doesNotContain("sport");
        assertThat(again.flow(0).mark()).isEqualTo(7);
        assertThat(again.flow(1).mark()).isEqualTo(8);
    }

    @Test
    void columnsThatWereThereKeepTheirTypeAndFollowTheirFlow() throws IOException {
        Column names =
                new Column("names", Column.Type.TEXT, new byte[][] {{'a'}, {'b'}, {'c'}, {'d'}});
        Column zones =
                new Column("zone", Column.Type.UNSIGNED, new byte[][] {{1}, null, null, null});
        FlowBatch batch = batch().with(List.of(names, zones));

        assertThat(through(batch, JsonShape.LOG, array -> {}).batch().columns())
                .containsExactly(names, zones);

        FlowBatch flows =
                through(
                                batch,
                                JsonShape.LOG,
                                array -> {
                                    array.remove(0);
                                    flow(array, 0).put("names", "x").put("zone", 3);
                                    flow(array, 1).remove("names");
                                })
                        .batch();
        assertThat(text(flows, "names", 0)).isEqualTo("x");
        assertThat(text(flows, "names", 1)).isNull();
        assertThat(text(flows, "names", 2)).isEqualTo("d");
        assertThat(flows.column("zone").type()).isEqualTo(Column.Type.UNSIGNED);
        assertThat(flows.column("zone").value(0)).containsExactly(3);
    }

    /** As jq '.port |= tonumber' does it. */
    @Test
    void aTextMayBecomeTheNumberThatItSays() throws IOException {
        Column port = new Column("port", Column.Type.TEXT, new byte[][] {{'5'}, {'5'}, null, null});
        FlowBatch flows =
                through(
                                batch().with(List.of(port)),
                                JsonShape.LOG,
                                array -> {
                                    flow(array, 0).put("port", 5);
                                    flow(array, 1).put("port", 5);
                                })
                        .batch();
        assertThat(json(flows, JsonShape.LOG))
                .contains("\"port\":5")
                .doesNotContain("\"port\":\"5\"");
    }

    @Test
    void namesOfElementsChangeTheRecordInTheShapeOfTheLogToo() throws IOException {
        FlowBatch flows =
                log(array -> flow(array, 0).put("octetDeltaCount", 5).put("ipClassOfService", 8))
                        .batch();

        assertThat(flows.flow(0).octetDeltaCount()).isEqualTo(5);
        assertThat(flows.flow(0).ipClassOfService()).isEqualTo(8);
        assertThat(json(flows, JsonShape.LOG))
                .as("also those of the flows that came back without them")
                .contains("\"octetDeltaCount\":5,", "\"octetDeltaCount\":400,");
        assertThat(json(flows, JsonShape.ELEMENTS))
                .contains("\"octetDeltaCount\":5,", "\"octetDeltaCount\":400,");
    }

    /** As jq '{bytes: .octetDeltaCount, start: .flowStartMilliseconds}' does it, and back. */
    @Test
    void membersMayGetTheNamesOfTheOtherShape() throws IOException {
        FlowBatch flows =
                through(
                                batch(),
                                JsonShape.ELEMENTS,
                                array ->
                                        each(
                                                array,
                                                flow -> {
                                                    ObjectNode all = flow.deepCopy();
                                                    flow.removeAll()
                                                            .set("flowIndex", all.get("flowIndex"));
                                                    flow.set("bytes", all.get("octetDeltaCount"));
                                                    flow.put("src", "192.0.2.9");
                                                    flow.put("dst", "192.0.2.8");
                                                }))
                        .batch();
        assertThat(json(flows, JsonShape.ELEMENTS))
                .startsWith("{\"bytes\":300,\"src\":\"192.0.2.9\",\"dst\":\"192.0.2.8\"}");

        FlowBatch again =
                through(
                                flows,
                                JsonShape.ELEMENTS,
                                array ->
                                        each(
                                                array,
                                                flow ->
                                                        flow.set(
                                                                "octetDeltaCount",
                                                                flow.remove("bytes"))))
                        .batch();
        assertThat(json(again, JsonShape.ELEMENTS))
                .contains("\"octetDeltaCount\":300")
                .doesNotContain("bytes");
    }

    @Test
    void aFlowMayBecomeOneOfTheOtherIpVersion() throws IOException {
        FlowBatch flows =
                log(array -> flow(array, 0).put("src", "64:ff9b::1").put("dst", "64:ff9b::2"))
                        .batch();
        assertThat(flows.flow(0).ipVersion()).isEqualTo(6);
        assertThat(flows.flow(1).ipVersion()).isEqualTo(6);
        assertThat(flows.flow(2).ipVersion()).isEqualTo(4);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "pkts | \"ten\" | flow 1, member \"pkts\": \"ten\" is no whole number from 0 to"
                        + " 9223372036854775807",
                "pkts | -1 | flow 1, member \"pkts\": -1 is no whole number from 0 to"
                        + " 9223372036854775807",
                "pkts | 1.5 | flow 1, member \"pkts\": 1.5 is no whole number from 0 to"
                        + " 9223372036854775807",
                "sport | 65536 | flow 1, member \"sport\": 65536 is no whole number from 0 to"
                        + " 65535",
                "src | 7 | flow 1, member \"src\": 7 is no IP address",
                "src | \"host\" | flow 1, member \"src\": \"host\" is no IP address",
                "src | \"10.0.0.1\" | flow 1: IPv4 source, IPv6 destination",
                "ipVersion | 4 | flow 1: IPv6 source, IPv6 destination, ipVersion 4",
                "sourceIPv6Address | \"10.0.0.1\" | flow 1, member \"sourceIPv6Address\":"
                        + " \"10.0.0.1\" is no IPv6 address",
                "flowLabelIPv6 | 1048576 | flow 1, member \"flowLabelIPv6\": 1048576 is no whole"
                        + " number from 0 to 1048575",
                "bgpSourceAsNumber | 4294967296 | flow 1, member \"bgpSourceAsNumber\": 4294967296"
                        + " is no whole number from 0 to 4294967295",
                "bgpSourceAsNumber | \"AS1\" | flow 1, member \"bgpSourceAsNumber\": \"AS1\" is no"
                        + " whole number from 0 to 4294967295",
                "interfaceName | 5 | flow 1, member \"interfaceName\": 5 is no text",
                "flowIndex | 4 | flow 1, member \"flowIndex\": 4 is no whole number from 0 to 3",
            })
    void aWrongValueIsNamedWithItsFlowAndMember(String member, String value, String message) {
        assertThatThrownBy(
                        () ->
                                log(
                                        array -> {
                                            try {
                                                flow(array, 1).set(member, MAPPER.readTree(value));
                                            } catch (IOException e) {
                                                throw new AssertionError(e);
                                            }
                                        }))
                .isInstanceOf(FlowJsonException.class)
                .hasMessage(message);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "'' | it is empty, and no JSON array",
                "{\"src\":\"10.0.0.1\"} | it is no JSON array: it begins with an object",
                "7 | it is no JSON array: it begins with 7",
                "[7] | flow 0 is no object: 7",
                "[] [] | something follows the array: an array",
                "[{\"note\":1}] | flow 0 has no flowIndex, which tells the flow that it is, and no"
                        + " src, which a new one needs"
            })
    void whatIsNoArrayOfFlowsIsRefused(String json, String message) {
        assertThatThrownBy(() -> read(json.replace("''", "")))
                .isInstanceOf(FlowJsonException.class)
                .hasMessage(message);
    }

    @Test
    void whatIsCutShortIsRefused() {
        for (String json : List.of("[", "[{", "[{\"flowIndex\":0}", "oops")) {
            assertThatThrownBy(() -> read(json)).as(json).isInstanceOf(FlowJsonException.class);
        }
        assertThatThrownBy(() -> read("oops")).hasMessageStartingWith("it is no JSON: ");
    }

    private static Result read(String json) throws IOException {
        return new FlowReader(JsonShape.LOG, batch())
                .read(new ByteArrayInputStream(json.getBytes(StandardCharsets.UTF_8)));
    }

    @Test
    void anEmptyArrayDropsAllFlows() throws IOException {
        Result result = read("[]");

        assertThat(result.batch().size()).isZero();
        assertThat(result.dropped()).isEqualTo(4);
    }
}
