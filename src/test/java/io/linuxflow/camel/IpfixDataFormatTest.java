// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.entry;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import io.linuxflow.ipfix.IpfixException;
import io.netty.buffer.Unpooled;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.apache.camel.Exchange;
import org.apache.camel.StreamCache;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.mock.MockEndpoint;
import org.apache.camel.component.netty.NettyConstants;
import org.apache.camel.model.dataformat.CustomDataFormat;
import org.apache.camel.support.DefaultExchange;
import org.apache.camel.test.junit5.CamelTestSupport;
import org.junit.jupiter.api.Test;

class IpfixDataFormatTest extends CamelTestSupport {

    @Override
    protected RouteBuilder createRouteBuilder() {
        return new RouteBuilder() {
            @Override
            public void configure() {
                IpfixDataFormat small = new IpfixDataFormat();
                small.setFields("octetDeltaCount,sourceIPv4Address");
                small.setMaxMessageLength(200);
                small.setObservationDomainId(42);
                small.setTemplateRefresh(Duration.ZERO);
                bindToRegistry("small", small);
                IpfixDataFormat own = new IpfixDataFormat();
                own.setFields("matchedRule:2,interfaceName,bytes");
                own.setEnterpriseElements("matchedRule/1=mark,bytes/32473.5=octetDeltaCount");
                own.setTemplateIds("1001");
                bindToRegistry("own", own);

                from("direct:marshal")
                        .routeId("marshal")
                        .marshal(new CustomDataFormat("ipfix"))
                        .to("mock:octets");
                from("direct:small").marshal(new CustomDataFormat("small")).to("mock:octets");
                from("direct:own")
                        .routeId("own")
                        .marshal(new CustomDataFormat("own"))
                        .to("mock:octets");
                from("direct:readOwn").unmarshal(new CustomDataFormat("own")).to("mock:records");
                from("direct:variable")
                        .marshal(new CustomDataFormat("ipfix"))
                        .setVariable("messages", body())
                        .setBody(constant("something else"))
                        .unmarshal()
                        .variableSend("messages")
                        .custom("ipfix");
                from("direct:unmarshal")
                        .unmarshal(new CustomDataFormat("ipfix"))
                        .to("mock:records");
            }
        };
    }

    @Test
    void whatIsMarshalledIsUnmarshalledEqual() throws Exception {
        List<DataRecord> records =
                unmarshal(marshal("direct:marshal", TestFlows.ofEachKind()), null);

        assertThat(records).hasSize(4);
        assertThat(records.get(0).toMap())
                .contains(
                        entry("sourceIPv4Address", InetAddress.getByName("10.0.0.1")),
                        entry("destinationIPv4Address", InetAddress.getByName("10.0.0.2")),
                        entry("sourceTransportPort", 1024L),
                        entry("destinationTransportPort", 443L),
                        entry("protocolIdentifier", 6L),
                        entry("packetDeltaCount", 3L),
                        entry("octetDeltaCount", 300L),
                        entry(
                                "flowStartMilliseconds",
                                TestFlows.START.truncatedTo(ChronoUnit.MILLIS)),
                        entry("flowEndReason", 3L));
        assertThat(records)
                .extracting(r -> r.toMap().get("packetDeltaCount"))
                .containsExactlyInAnyOrder(3L, 4L, 5L, 6L);
    }

    @Test
    void optionsAreBeanProperties() throws Exception {
        byte[] octets = marshal("direct:small", TestFlows.tcp(100, 1));

        ByteBuffer buffer = ByteBuffer.wrap(octets);
        int messages = 0;
        for (int at = 0; at < octets.length; at += Short.toUnsignedInt(buffer.getShort(at + 2))) {
            assertThat(Short.toUnsignedInt(buffer.getShort(at + 2))).isLessThanOrEqualTo(200);
            assertThat(buffer.getInt(at + 12)).isEqualTo(42);
            messages++;
        }
        assertThat(messages).isGreaterThan(5);
        assertThat(unmarshal(octets, null))
                .hasSize(100)
                .allSatisfy(
                        record ->
                                assertThat(record.toMap())
                                        .containsOnlyKeys("octetDeltaCount", "sourceIPv4Address"));
    }

    @Test
    void elementsOfOnesOwnAreUnmarshalledByNameAndType() throws Exception {
        FlowBatch batch = TestFlows.tcp(1, 1);
        byte[] name = "eth0".getBytes(StandardCharsets.UTF_8);
        batch =
                batch.with(
                        List.of(
                                new Column(
                                        "interfaceName", Column.Type.TEXT, new byte[][] {name})));
        byte[] octets = marshal("direct:own", batch);

        assertThat(unmarshal("direct:readOwn", octets, null).get(0).toMap())
                .containsExactly(
                        entry("matchedRule", 7L),
                        entry("interfaceName", "eth0"),
                        entry("bytes", 300L));
        DataRecord unknown = unmarshal(octets, null).get(0);
        assertThat(unknown)
                .hasToString("28972/1=0x0007 interfaceName=eth0 32473/5=0x000000000000012c");
        assertThat(unknown.template().id()).isEqualTo(1001);
    }

    @Test
    void templatesThatWereReadOutliveARestartOfTheRoute() throws Exception {
        byte[] withTemplates = marshal("direct:own", TestFlows.tcp(1, 1));
        byte[] without = marshal("direct:own", TestFlows.tcp(1, 1));
        unmarshal("direct:readOwn", withTemplates, null);

        context.getRouteController().stopRoute("own");
        context.getRouteController().startRoute("own");

        assertThat(unmarshal("direct:readOwn", without, null)).hasSize(1);
    }

    @Test
    void sequenceNumbersGoOnFromBatchToBatch() throws Exception {
        byte[] first = marshal("direct:marshal", TestFlows.tcp(3, 1));
        byte[] second = marshal("direct:marshal", TestFlows.tcp(3, 1));

        assertThat(ByteBuffer.wrap(first).getInt(8)).isZero();
        assertThat(ByteBuffer.wrap(second).getInt(8)).isEqualTo(3);
    }

    @Test
    void aRouteStartedAgainBeginsANewTransportSession() throws Exception {
        marshal("direct:marshal", TestFlows.tcp(3, 1));

        context.getRouteController().stopRoute("marshal");
        context.getRouteController().startRoute("marshal");

        byte[] octets = marshal("direct:marshal", TestFlows.tcp(3, 1));
        assertThat(ByteBuffer.wrap(octets).getInt(8)).isZero();
        assertThat(unmarshal(octets, new Object())).hasSize(3);
    }

    @Test
    void templatesAreRememberedForEachSource() throws Exception {
        Object one = new InetSocketAddress("192.0.2.1", 4739);
        Object other = new InetSocketAddress("192.0.2.2", 4739);
        byte[] withTemplates = marshal("direct:marshal", TestFlows.tcp(1, 1));
        byte[] without = marshal("direct:marshal", TestFlows.tcp(1, 1));

        unmarshal(withTemplates, one);

        assertThat(unmarshal(without, one)).hasSize(1);
        assertThat(unmarshal(without, other)).isEmpty();
    }

    @Test
    void countsSetsThatItHasNoTemplateFor() throws Exception {
        IpfixDataFormat ipfix = new IpfixDataFormat();
        ipfix.start();
        marshal("direct:marshal", TestFlows.tcp(1, 1));
        byte[] without = marshal("direct:marshal", TestFlows.tcp(1, 1));

        Exchange exchange = new DefaultExchange(context);
        assertThat((List<?>) ipfix.unmarshal(exchange, ByteBuffer.wrap(without))).isEmpty();

        assertThat(ipfix.getUndecodedSets()).isEqualTo(1);
        assertThat(ipfix.getMessages()).isEqualTo(1);
        assertThat(ipfix.getRecords()).isZero();
    }

    @Test
    void malformedOctetsGoToTheErrorHandler() {
        Exchange exchange =
                template.request(
                        "direct:unmarshal", e -> e.getIn().setBody(new byte[] {0, 9, 0, 20}));

        assertThat(exchange.getException()).isInstanceOf(IpfixException.class);
    }

    @Test
    void unmarshalsBuffersAndStreams() throws Exception {
        byte[] octets = marshal("direct:marshal", TestFlows.tcp(2, 1));

        assertThat(unmarshal(ByteBuffer.wrap(octets), null)).hasSize(2);
        assertThat(unmarshal(Unpooled.wrappedBuffer(octets), null)).hasSize(2);
        assertThat(unmarshal(new java.io.ByteArrayInputStream(octets), null)).hasSize(2);
    }

    /** As the option variableSend of unmarshal asks for. */
    @Test
    void unmarshalsAVariable() throws Exception {
        Exchange exchange =
                template.request("direct:variable", e -> e.getIn().setBody(TestFlows.tcp(2, 1)));

        assertThat(exchange.getException()).isNull();
        assertThat((List<?>) exchange.getMessage().getBody()).hasSize(2);
    }

    @Test
    void marshalsNothingButFlows() {
        Exchange exchange = template.request("direct:marshal", e -> e.getIn().setBody("text"));

        assertThat(exchange.getException())
                .hasMessageContaining("marshal ipfix takes a FlowBatch")
                .hasMessageContaining("java.lang.String");
    }

    @Test
    void aWrongOptionIsNamedWhenTheRouteStarts() {
        IpfixDataFormat ipfix = new IpfixDataFormat();
        ipfix.setFields("octetDeltaCont");

        assertThatThrownBy(ipfix::start).hasMessageContaining("octetDeltaCont");

        ipfix.setFields("octetDeltaCount");
        ipfix.setEnterpriseElements("rule/1=mrak");
        assertThatThrownBy(ipfix::start).hasMessageContaining("mrak").hasMessageContaining("mark");

        ipfix.setEnterpriseElements("");
        ipfix.setTemplateIds("10");
        assertThatThrownBy(ipfix::start).hasMessageContaining("Template ID 10 is out of range");
    }

    private byte[] marshal(String uri, FlowBatch batch) throws Exception {
        MockEndpoint octets = getMockEndpoint("mock:octets");
        octets.reset();
        template.sendBody(uri, batch);
        Object body = octets.getExchanges().get(0).getIn().getBody();
        if (body instanceof StreamCache cache) {
            cache.reset();
        }
        return context.getTypeConverter().mandatoryConvertTo(byte[].class, body);
    }

    private List<DataRecord> unmarshal(Object octets, Object source) {
        return unmarshal("direct:unmarshal", octets, source);
    }

    private List<DataRecord> unmarshal(String uri, Object octets, Object source) {
        MockEndpoint records = getMockEndpoint("mock:records");
        records.reset();
        template.sendBodyAndHeaders(
                uri,
                octets,
                source == null ? Map.of() : Map.of(NettyConstants.NETTY_REMOTE_ADDRESS, source));
        List<DataRecord> all = new ArrayList<>();
        for (Object record : records.getExchanges().get(0).getIn().getBody(List.class)) {
            all.add((DataRecord) record);
        }
        return all;
    }
}
