// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonFactoryBuilder;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.util.ByteArrayBuilder;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.IpAddress;
import io.linuxflow.json.FlowWriter;
import io.linuxflow.json.JsonShape;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Iterator;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.Message;
import org.apache.camel.support.DefaultMessage;

/**
 * Flows as JSON, in the two {@link JsonShape shapes}. The columns of a batch are further members,
 * in their order; what is not known of a flow is left out.
 *
 * <p>Its methods are for routes: {@code bean: {beanType: io.linuxflow.camel.FlowJson, method:
 * log}}.
 */
public final class FlowJson {

    /** The header of camel-kafka for the key of a record. */
    private static final String KAFKA_KEY = "kafka.KEY";

    private static final JsonFactory JSON = new JsonFactoryBuilder().rootValueSeparator("").build();

    /** The flow as an object, with the names of the Information Elements. */
    public static byte[] object(Flow flow) {
        return object(new FlowWriter(JsonShape.ELEMENTS, flow.batch()), flow);
    }

    private static byte[] object(FlowWriter writer, Flow flow) {
        return write(json -> writer.write(json, flow));
    }

    /** The flows as an array of objects, with the names of the Information Elements. */
    public static byte[] array(FlowBatch batch) {
        FlowWriter writer = new FlowWriter(JsonShape.ELEMENTS, batch);
        return write(
                json -> {
                    json.writeStartArray();
                    for (Flow flow : batch) {
                        writer.write(json, flow);
                    }
                    json.writeEndArray();
                });
    }

    /** The flows as objects, one a line, with the keys of the text log. */
    public static byte[] log(FlowBatch batch) {
        FlowWriter writer = new FlowWriter(JsonShape.LOG, batch);
        return write(
                json -> {
                    for (Flow flow : batch) {
                        writer.write(json, flow);
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

    /** {@link #object} as a map. */
    public static Map<String, Object> map(Flow flow) {
        return new FlowWriter(JsonShape.ELEMENTS, flow.batch()).map(flow);
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
                .append(IpAddress.text(flow.sourceAddress()))
                .append(':')
                .append(flow.sourceTransportPort())
                .append('/')
                .append(IpAddress.text(flow.destinationAddress()))
                .append(':')
                .append(flow.isIcmp() ? flow.icmpTypeCode() : flow.destinationTransportPort())
                .toString();
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
            FlowWriter writer = new FlowWriter(JsonShape.ELEMENTS, batch);
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
                    message.setBody(object(writer, flow));
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
