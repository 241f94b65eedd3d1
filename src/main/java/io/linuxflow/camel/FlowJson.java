// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.netty.util.NetUtil;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToLongFunction;
import org.apache.camel.CamelContext;
import org.apache.camel.Message;
import org.apache.camel.support.DefaultMessage;

/**
 * Flows as JSON, in two shapes: with the names of the Information Elements (RFC 7012), and with the
 * keys of the text log of wide-vsix/linux-flow-exporter.
 *
 * <p>Times are numbers, counted from 1970-01-01 UTC in the unit that the name says; milliseconds in
 * the log. Addresses are text as in RFC 5952. What a flow doesn't have is left out: ports of ICMP,
 * VLANs of untagged packets.
 *
 * <p>Its methods are for routes: {@code bean: {beanType: io.linuxflow.camel.FlowJson, method:
 * log}}.
 */
public final class FlowJson {

    /** A member of the object: a number, or else text. */
    private record Member(
            String name,
            Predicate<Flow> present,
            ToLongFunction<Flow> number,
            Function<Flow, String> text) {

        static Member number(String name, ToLongFunction<Flow> number) {
            return new Member(name, flow -> true, number, null);
        }

        static Member text(String name, Function<Flow, String> text) {
            return new Member(name, flow -> true, null, text);
        }

        Member when(Predicate<Flow> condition) {
            return new Member(name, condition, number, text);
        }
    }

    private static final long NANOS_PER_MILLI = 1_000_000;

    private static final Predicate<Flow> IPV4 = flow -> flow.ipVersion() == 4;
    private static final Predicate<Flow> IPV6 = flow -> flow.ipVersion() == 6;
    private static final Predicate<Flow> PORTS = flow -> !flow.isIcmp();

    private static final List<Member> ELEMENTS =
            List.of(
                    Member.number("flowStartMilliseconds", FlowJson::startMillis),
                    Member.number("flowEndMilliseconds", FlowJson::endMillis),
                    Member.number("octetDeltaCount", Flow::octetDeltaCount),
                    Member.number("packetDeltaCount", Flow::packetDeltaCount),
                    Member.number("ipVersion", Flow::ipVersion),
                    Member.number("protocolIdentifier", Flow::protocolIdentifier),
                    Member.text("sourceIPv4Address", FlowJson::source).when(IPV4),
                    Member.text("destinationIPv4Address", FlowJson::destination).when(IPV4),
                    Member.text("sourceIPv6Address", FlowJson::source).when(IPV6),
                    Member.text("destinationIPv6Address", FlowJson::destination).when(IPV6),
                    Member.number("sourceTransportPort", Flow::sourceTransportPort).when(PORTS),
                    Member.number("destinationTransportPort", Flow::destinationTransportPort)
                            .when(PORTS),
                    Member.number("icmpTypeCodeIPv4", Flow::icmpTypeCode)
                            .when(IPV4.and(Flow::isIcmp)),
                    Member.number("icmpTypeCodeIPv6", Flow::icmpTypeCode)
                            .when(IPV6.and(Flow::isIcmp)),
                    Member.number("ingressInterface", Flow::ingressInterface),
                    Member.number("egressInterface", Flow::egressInterface),
                    Member.number("flowDirection", Flow::flowDirection),
                    Member.number("tcpControlBits", Flow::tcpControlBits)
                            .when(flow -> flow.protocolIdentifier() == Flow.TCP),
                    Member.number("ipClassOfService", Flow::ipClassOfService),
                    Member.number("minimumTTL", Flow::minimumTTL),
                    Member.number("maximumTTL", Flow::maximumTTL),
                    Member.number("fragmentIdentification", Flow::fragmentIdentification),
                    Member.number("flowLabelIPv6", Flow::flowLabelIPv6).when(IPV6),
                    Member.number("dot1qVlanId", Flow::dot1qVlanId)
                            .when(flow -> flow.dot1qVlanId() != 0),
                    Member.number("dot1qCustomerVlanId", Flow::dot1qCustomerVlanId)
                            .when(flow -> flow.dot1qCustomerVlanId() != 0),
                    Member.number("flowEndReason", Flow::flowEndReason));

    private static final List<Member> LOG =
            List.of(
                    Member.text("src", FlowJson::source),
                    Member.text("dst", FlowJson::destination),
                    Member.number("proto", Flow::protocolIdentifier),
                    Member.number("sport", Flow::sourceTransportPort),
                    Member.number("dport", Flow::destinationTransportPort),
                    Member.number("ingressIfindex", Flow::ingressInterface),
                    Member.number("egressIfindex", Flow::egressInterface),
                    Member.number("pkts", Flow::packetDeltaCount),
                    Member.number("bytes", Flow::octetDeltaCount),
                    Member.number("action", Flow::mark),
                    Member.number("start", FlowJson::startMillis),
                    Member.number("end", FlowJson::endMillis),
                    Member.number("finished", FlowJson::finished));

    /** The header of camel-kafka for the key of a record. */
    private static final String KAFKA_KEY = "kafka.KEY";

    private static final JsonFactory JSON = new JsonFactoryBuilder().rootValueSeparator("").build();

    /** The flow as an object, with the names of the Information Elements. */
    public static byte[] object(Flow flow) {
        return write(json -> object(json, ELEMENTS, flow));
    }

    /** The flows as an array of objects, with the names of the Information Elements. */
    public static byte[] array(FlowBatch batch) {
        return write(
                json -> {
                    json.writeStartArray();
                    for (Flow flow : batch) {
                        object(json, ELEMENTS, flow);
                    }
                    json.writeEndArray();
                });
    }

    /** The flows as objects, one a line, with the keys of the text log. */
    public static byte[] log(FlowBatch batch) {
        return write(
                json -> {
                    for (Flow flow : batch) {
                        object(json, LOG, flow);
                        json.writeRaw('\n');
                    }
                });
    }

    /**
     * The flows as records for the Kafka component, which sends what it can iterate over. The value
     * is {@link #object}, as octets; the key is {@link #key}.
     */
    public static Iterable<Message> kafka(FlowBatch batch, CamelContext camelContext) {
        return new KafkaRecords(batch, camelContext);
    }

    /** {@link #object} as a map of {@link Long} and {@link String}. */
    public static Map<String, Object> map(Flow flow) {
        Map<String, Object> map = new LinkedHashMap<>();
        for (Member member : ELEMENTS) {
            if (member.present().test(flow)) {
                map.put(
                        member.name(),
                        member.text() != null
                                ? member.text().apply(flow)
                                : (Object) member.number().applyAsLong(flow));
            }
        }
        return map;
    }

    /**
     * What is the same for all records of a flow and different from other flows: {@code
     * ingress/egress/protocol/source:port/destination:port}.
     */
    public static String key(Flow flow) {
        return new StringBuilder(64)
                .append(flow.ingressInterface())
                .append('/')
                .append(flow.egressInterface())
                .append('/')
                .append(flow.protocolIdentifier())
                .append('/')
                .append(source(flow))
                .append(':')
                .append(flow.sourceTransportPort())
                .append('/')
                .append(destination(flow))
                .append(':')
                .append(flow.isIcmp() ? flow.icmpTypeCode() : flow.destinationTransportPort())
                .toString();
    }

    private static String source(Flow flow) {
        return NetUtil.toAddressString(flow.sourceAddress());
    }

    private static String destination(Flow flow) {
        return NetUtil.toAddressString(flow.destinationAddress());
    }

    private static long startMillis(Flow flow) {
        return Math.floorDiv(flow.flowStartNanos(), NANOS_PER_MILLI);
    }

    private static long endMillis(Flow flow) {
        return Math.floorDiv(flow.flowEndNanos(), NANOS_PER_MILLI);
    }

    private static long finished(Flow flow) {
        return flow.flowEndReason() == Flow.END_OF_FLOW ? 1 : 0;
    }

    private static void object(JsonGenerator json, List<Member> members, Flow flow)
            throws IOException {
        json.writeStartObject();
        for (Member member : members) {
            if (member.present().test(flow)) {
                json.writeFieldName(member.name());
                if (member.text() != null) {
                    json.writeString(member.text().apply(flow));
                } else {
                    json.writeNumber(member.number().applyAsLong(flow));
                }
            }
        }
        json.writeEndObject();
    }

    /** What is to be written. */
    interface Content {
        void writeTo(JsonGenerator json) throws IOException;
    }

    static byte[] write(Content content) {
        try (ByteArrayBuilder octets = new ByteArrayBuilder()) {
            try (JsonGenerator json = JSON.createGenerator(octets)) {
                content.writeTo(json);
            }
            return octets.toByteArray();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private record KafkaRecords(FlowBatch batch, CamelContext camelContext)
            implements Iterable<Message> {

        @Override
        public Iterator<Message> iterator() {
            Iterator<Flow> flows = batch.iterator();
            return new Iterator<>() {
                @Override
                public boolean hasNext() {
                    return flows.hasNext();
                }

                @Override
                public Message next() {
                    Flow flow = flows.next();
                    Message message = new DefaultMessage(camelContext);
                    message.setHeader(KAFKA_KEY, key(flow));
                    message.setBody(object(flow));
                    return message;
                }
            };
        }

        @Override
        public String toString() {
            return "Kafka records of " + batch;
        }
    }
}
