// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.LIST;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.ipfix.DataRecord;
import java.io.ByteArrayOutputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.List;
import java.util.Map;
import org.apache.camel.TypeConverter;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.DefaultExchange;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class FlowConvertersTest {

    private static final FlowBatch BATCH = TestFlows.ofEachKind();
    private static final ObjectMapper MAPPER = new ObjectMapper();

    private static DefaultCamelContext camel;
    private static TypeConverter converter;

    @BeforeAll
    static void startContext() {
        camel = new DefaultCamelContext();
        camel.start();
        converter = camel.getTypeConverter();
    }

    @AfterAll
    static void stopContext() {
        camel.stop();
    }

    @Test
    void aBatchIsAListOfFlows() {
        assertThat((Object) converter.convertTo(List.class, BATCH)).asInstanceOf(LIST).hasSize(4);
    }

    @Test
    @SuppressWarnings("unchecked")
    void aBatchIsAMapThatAnyJsonLibraryWrites() throws Exception {
        Map<String, Object> map = converter.convertTo(Map.class, BATCH);

        assertThat(map)
                .containsEntry("observationDomain", 0)
                .containsEntry("packets", 18L)
                .containsEntry("octets", 1800L);
        assertThat(MAPPER.readTree(MAPPER.writeValueAsBytes(map.get("flows"))))
                .isEqualTo(MAPPER.readTree(FlowJson.array(BATCH)));
    }

    @Test
    void aBatchIsAJsonArrayOfOctets() throws Exception {
        JsonNode array = MAPPER.readTree(FlowJson.array(BATCH));

        assertThat(MAPPER.readTree(converter.convertTo(byte[].class, BATCH))).isEqualTo(array);
        assertThat(MAPPER.readTree(converter.convertTo(InputStream.class, BATCH))).isEqualTo(array);
    }

    @Test
    void aBatchAsStringIsShortBecauseTracersAskForIt() {
        assertThat(converter.convertTo(String.class, BATCH))
                .isEqualTo("FlowBatch[4 flows, observation domain 0]");
    }

    @Test
    void aFlowIsAMapAndAJsonObject() throws Exception {
        JsonNode object = MAPPER.readTree(FlowJson.object(BATCH.flow(0)));

        assertThat((Object) converter.convertTo(Map.class, BATCH.flow(0)))
                .isEqualTo(FlowJson.map(BATCH.flow(0)));
        assertThat(MAPPER.readTree(converter.convertTo(String.class, BATCH.flow(0))))
                .isEqualTo(object);
        assertThat(MAPPER.readTree(converter.convertTo(byte[].class, BATCH.flow(0))))
                .isEqualTo(object);
    }

    @Test
    void aDataRecordIsAMapAndTheJsonOfItsFlow() throws Exception {
        DataRecord record = exported();

        assertThat((Object) converter.convertTo(Map.class, record)).isEqualTo(record.toMap());
        JsonNode json = MAPPER.readTree(converter.convertTo(byte[].class, record));
        JsonNode flow = MAPPER.readTree(FlowJson.object(BATCH.flow(0)));
        for (String common :
                List.of(
                        "flowStartMilliseconds",
                        "sourceIPv4Address",
                        "destinationTransportPort",
                        "octetDeltaCount")) {
            assertThat(json.get(common).asText()).isEqualTo(flow.get(common).asText());
        }
    }

    @Test
    void aDataRecordAsStringIsOneLine() throws Exception {
        assertThat(converter.convertTo(String.class, exported()))
                .contains("sourceIPv4Address=10.0.0.1")
                .doesNotContain("\n");
    }

    private static DataRecord exported() throws Exception {
        IpfixDataFormat ipfix = new IpfixDataFormat();
        ipfix.start();
        ByteArrayOutputStream octets = new ByteArrayOutputStream();
        DefaultExchange exchange = new DefaultExchange(camel);
        ipfix.marshal(exchange, BATCH, octets);
        Object records = ipfix.unmarshal(exchange, ByteBuffer.wrap(octets.toByteArray()));
        return (DataRecord) ((List<?>) records).get(0);
    }
}
