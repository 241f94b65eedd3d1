// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.ipfix.DataRecord;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.SocketException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.main.Main;
import org.apache.camel.model.dataformat.CustomDataFormat;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The ways to have it in an application of one's own: from meter to collector over the loopback.
 */
class EmbeddedTest {

    private final List<DataRecord> records = new CopyOnWriteArrayList<>();
    private final List<FakeMeter> meters = new CopyOnWriteArrayList<>();
    private Main main;

    @BeforeEach
    void createMain() throws SocketException {
        main = new Main();
        main.bind(
                "ebpf-flowmap",
                new EbpfFlowmapComponent(
                        options -> {
                            meters.add(new FakeMeter(options));
                            return meters.get(0);
                        }));
        main.bind("records", records);
        main.addInitialProperty("collector.port", Integer.toString(freePort()));
    }

    @AfterEach
    void stopMain() {
        main.stop();
    }

    @Test
    void aRouteInJava() {
        main.configure()
                .addRoutesBuilder(
                        new RouteBuilder() {
                            @Override
                            public void configure() {
                                from("ebpf-flowmap:flows?interfaces=eth0&drainInterval=1s")
                                        .marshal(new CustomDataFormat("ipfix"))
                                        .to(
                                                "netty:udp://127.0.0.1:{{collector.port}}"
                                                        + "?encoders=#ipfixDatagrams&sync=false"
                                                        + "&producerPoolEnabled=false"
                                                        + "&udpConnectionlessSending=true");
                                from("netty:udp://127.0.0.1:{{collector.port}}"
                                                + "?udpByteArrayCodec=true&sync=false"
                                                + "&receiveBufferSize=4194304"
                                                + "&receiveBufferSizePredictor=65535")
                                        .unmarshal(new CustomDataFormat("ipfix"))
                                        .bean("records", "addAll");
                            }
                        });

        export();

        assertThat(records.get(0).toMap()).hasSizeGreaterThan(10);
    }

    @Test
    void aRouteInYaml() {
        main.configure().withRoutesIncludePattern("classpath:io/linuxflow/camel/export.camel.yaml");

        export();

        assertThat(records.get(0).toMap())
                .containsOnlyKeys("packetDeltaCount", "sourceTransportPort");
    }

    private void export() {
        main.start();
        FakeMeter meter = meters.get(0);
        assertThat(meter.options.interfaces()).isEqualTo("eth0");
        assertThat(meter.options.drainInterval()).isEqualTo(Duration.ofSeconds(1));

        meter.meter(TestFlows.tcp(200, 1)).meter(TestFlows.tcp(200, 201)).drain();

        await().untilAsserted(
                        () ->
                                assertThat(records)
                                        .extracting(r -> r.toMap().get("sourceTransportPort"))
                                        .hasSize(400)
                                        .contains(1L, 200L, 201L, 400L)
                                        .doesNotHaveDuplicates());
    }

    private static int freePort() throws SocketException {
        try (DatagramSocket socket = new DatagramSocket(0, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }
}
