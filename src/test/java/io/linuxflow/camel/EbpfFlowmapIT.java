// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.camel;

import static io.linuxflow.camel.VethPair.ADDRESS_HERE;
import static io.linuxflow.camel.VethPair.ADDRESS_THERE;
import static io.linuxflow.camel.VethPair.HERE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.NamespaceThread;
import io.linuxflow.flow.Flow;
import io.linuxflow.flow.FlowBatch;
import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.health.HealthCheck;
import org.apache.camel.impl.DefaultCamelContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The component with the kernel below it. */
class EbpfFlowmapIT {

    private static final int PORT = 4568;

    private final List<FlowBatch> batches = new CopyOnWriteArrayList<>();
    private VethPair veth;
    private DefaultCamelContext camel;

    @BeforeEach
    void create() throws Exception {
        veth = new VethPair();
        camel = new DefaultCamelContext();
    }

    @AfterEach
    void close() throws Exception {
        camel.stop();
        veth.close();
    }

    @Test
    void aRouteGetsTheFlowsOfAnInterface() throws Exception {
        route(
                "ebpf-flowmap:flows?drainInterval=200ms&activeTimeout=0&interfaces="
                        + HERE
                        + ":eth0");
        camel.start();

        send(7, 100);

        await().until(() -> !udp().isEmpty());
        Flow flow = udp().get(0);
        assertThat(flow.sourceAddress().getHostAddress()).isEqualTo(ADDRESS_HERE);
        assertThat(flow.destinationTransportPort()).isEqualTo(PORT);
        assertThat(udp().stream().mapToLong(Flow::packetDeltaCount).sum()).isEqualTo(7);
        assertThat(udp().stream().mapToLong(Flow::octetDeltaCount).sum())
                .isEqualTo(7 * (20 + 8 + 100));
        assertThat(health().getState()).isEqualTo(HealthCheck.State.UP);
    }

    @Test
    void stoppingTheContextHandsOutWhatTheKernelHolds() throws Exception {
        route("ebpf-flowmap:flows?drainInterval=1h&interfaces=" + HERE + ":eth0");
        camel.start();

        send(3, 10);
        camel.stop();

        assertThat(udp()).singleElement().matches(flow -> flow.packetDeltaCount() == 3);
    }

    @Test
    void anInterfaceThatIsNotThereIsNamedByTheHealthCheck() throws Exception {
        route("ebpf-flowmap:flows?interfaces=" + HERE + ":eth7");
        camel.start();

        assertThat(health().getState()).isEqualTo(HealthCheck.State.DOWN);
        assertThat(health().getMessage()).get().asString().contains("eth7");
    }

    @Test
    void aNamespaceThatIsNotThereFailsTheStart() throws Exception {
        route("ebpf-flowmap:flows?interfaces=nowhere:eth0");

        assertThatThrownBy(() -> camel.start()).hasMessageContaining("nowhere");
    }

    private HealthCheck.Result health() {
        return ((EbpfFlowmapConsumer) camel.getRoute("flows").getConsumer())
                .getHealthCheck()
                .call();
    }

    private void route(String uri) throws Exception {
        camel.addRoutes(
                new RouteBuilder() {
                    @Override
                    public void configure() {
                        from(uri)
                                .routeId("flows")
                                .process(e -> batches.add(e.getIn().getBody(FlowBatch.class)));
                    }
                });
    }

    private List<Flow> udp() {
        return batches.stream()
                .flatMap(batch -> batch.asList().stream())
                .filter(flow -> flow.protocolIdentifier() == 17)
                .toList();
    }

    private static void send(int packets, int octets) throws Exception {
        InetAddress there = InetAddress.getByName(ADDRESS_THERE);
        try (DatagramSocket socket = NamespaceThread.in(HERE, DatagramSocket::new)) {
            for (int i = 0; i < packets; i++) {
                socket.send(new DatagramPacket(new byte[octets], octets, there, PORT));
            }
        }
    }
}
