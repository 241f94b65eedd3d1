// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.bpf.BpfMount;
import io.linuxflow.bpf.Hook;
import io.linuxflow.metering.InstalledMeters;
import io.linuxflow.metering.Meter;
import io.linuxflow.metering.MeterOptions;
import io.linuxflow.metering.MeterStatus;
import io.linuxflow.metering.MeterStatus.Latency;
import io.linuxflow.metering.MeterStatus.Pair;
import io.linuxflow.metering.MeteringDirection;
import java.time.Duration;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** How long packets take through a router, on every packet that it forwards. */
class LatencyIT {

    private static final int TCP_SENDS = 300;

    /** No packet is that long on its way through a router that nothing holds up. */
    private static final long MUCH_NANOS = Duration.ofMillis(10).toNanos();

    private Lab lab;

    @BeforeEach
    void makeLab() {
        lab = new Lab();
    }

    @AfterEach
    void removeLab() {
        lab.close();
    }

    private MeterOptions options() {
        return MeterOptions.DEFAULT
                .withInterfaces(lab.router() + ":*")
                .withDrainInterval(Duration.ofHours(1))
                .withLatency(true);
    }

    /** What the meter knows of a pair once all of it is drained. */
    private Pair pair(Meter meter, String ingress, String egress) {
        meter.flush();
        return meter.status().pairs().stream()
                .filter(p -> p.ingressName().equals(ingress) && p.egressName().equals(egress))
                .filter(p -> !p.isOthers() && (p.ingressIfindex() == 0) == ingress.isEmpty())
                .findFirst()
                .orElseThrow();
    }

    private static void assertAllMeasured(Pair pair) {
        Latency latency = pair.latency();
        assertThat(latency.packets()).isEqualTo(pair.drained().packets()).isPositive();
        assertThat(latency.unmeasured()).isZero();
        assertThat(latency.nanoseconds() / latency.packets()).isBetween(100L, MUCH_NANOS);
    }

    @ParameterizedTest
    @CsvSource({"TCX, EGRESS", "TCX, BOTH", "CLSACT, EGRESS", "CLSACT, BOTH"})
    void everyForwardedPacketIsMeasured(Hook hook, MeteringDirection direction) throws Exception {
        try (Meter meter = new Meter(options().withHook(hook).withDirection(direction))) {
            meter.start();
            long sent = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 3000, 100).packets();
            sent += Traffic.udp(lab.client(), 4001, Lab.SERVER6, 5000, 3000, 100).packets();
            try (TcpConnection tcp = new TcpConnection(lab.client(), lab.server(), Lab.SERVER)) {
                tcp.send(TCP_SENDS);
            }

            Pair there = pair(meter, "client", "server");
            assertThat(there.latency().packets()).isGreaterThan(sent + TCP_SENDS * 65_536 / 1500);
            assertAllMeasured(there);
            assertAllMeasured(pair(meter, "server", "client"));
            assertThat(meter.status().interfaces())
                    .hasSize(3 * (direction == MeteringDirection.BOTH ? 2 : 1))
                    .allMatch(each -> each.problem() == null);
        }
    }

    /** GRO has the kernel receive lists, so many packets are stamped before one is forwarded. */
    @Test
    void packetsThatAreReceivedAsAListAreMeasuredEachByItsOwnStamp() throws Exception {
        for (String device : new String[] {"client", "server"}) {
            Shell.in(lab.router(), "ethtool", "-K", device, "gro", "on");
        }
        Shell.in(lab.router(), "sh", "-c", "echo 1 >/sys/class/net/client/threaded");
        try (Meter meter = new Meter(options())) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 20_000, 100);
            try (TcpConnection tcp = new TcpConnection(lab.client(), lab.server(), Lab.SERVER)) {
                tcp.send(TCP_SENDS);
            }
            assertAllMeasured(pair(meter, "client", "server"));
            assertAllMeasured(pair(meter, "server", "client"));
        }
    }

    @Test
    void whatHoldsAPacketUpInTheRouterIsMeasured() throws Exception {
        Duration delay = Duration.ofMillis(300);
        String mac = Lab.mac(lab.server(), "eth0");
        Shell.in(lab.server(), "ip", "link", "set", "eth0", "arp", "off");
        Lab.ip("-n " + lab.router() + " neighbour del " + Lab.SERVER + " dev server");
        try (Meter meter = new Meter(options())) {
            meter.start();
            long begin = System.nanoTime();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 3, 100);
            long sent = System.nanoTime();
            Thread.sleep(delay.toMillis());
            long resolves = System.nanoTime();
            Lab.ip(
                    "-n %s neighbour replace %s lladdr %s dev server"
                            .formatted(lab.router(), Lab.SERVER, mac));

            Pair pair = pair(meter, "client", "server");
            long end = System.nanoTime();
            assertThat(pair.latency().packets()).isEqualTo(3);
            assertThat(pair.latency().nanoseconds())
                    .isBetween(3 * (resolves - sent), 3 * (end - begin));
        }
    }

    /** Bridges the devices of the router; the bridge has their address then. */
    private void bridge(String bridge, String address, String... ports) {
        Lab.ip("-n " + lab.router() + " link add " + bridge + " type bridge mcast_snooping 0");
        for (String port : ports) {
            Lab.ip("-n " + lab.router() + " address flush dev " + port);
            Lab.ip("-n " + lab.router() + " link set " + port + " master " + bridge);
        }
        Lab.ip("-n " + lab.router() + " address add " + address + " dev " + bridge);
        Lab.ip("-n " + lab.router() + " link set " + bridge + " up");
    }

    @Test
    void ofStackedInterfacesTheFirstThatAPacketLeavesByCounts() throws Exception {
        bridge("br0", "10.2.0.1/24", "server");
        Shell.in(lab.router(), "ping", "-c", "1", "-w", "20", Lab.SERVER);
        try (Meter meter = new Meter(options())) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);

            assertAllMeasured(pair(meter, "client", "br0"));
            Pair lower = pair(meter, "client", "server");
            assertThat(lower.drained().packets()).isEqualTo(100);
            assertThat(lower.latency()).isEqualTo(new Latency(0, 0, 100));
        }
    }

    @Test
    void ofStackedInterfacesTheLastThatAPacketCameInByCounts() throws Exception {
        bridge("br0", "10.1.0.1/24", "client");
        Shell.in(lab.client(), "ip", "neighbour", "del", "10.1.0.1", "dev", "eth0");
        Shell.in(lab.client(), "ping", "-c", "1", "-w", "20", "10.1.0.1");
        try (Meter meter = new Meter(options())) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);

            Pair pair = pair(meter, "br0", "server");
            assertThat(pair.latency().packets()).isEqualTo(100);
            assertAllMeasured(pair);
        }
    }

    @Test
    void whatABridgeForwardsIsMeasuredFromPortToPort() throws Exception {
        bridge("br0", "10.9.0.1/24", "client", "server");
        Lab.ip("-n " + lab.client() + " address add 10.9.0.2/24 dev eth0");
        Lab.ip("-n " + lab.server() + " address add 10.9.0.3/24 dev eth0");
        Shell.in(lab.client(), "ping", "-c", "1", "-w", "20", "10.9.0.3");
        try (Meter meter = new Meter(options())) {
            meter.start();
            Traffic.udp(lab.client(), 4001, "10.9.0.3", 5000, 100, 100);

            Pair pair = pair(meter, "client", "server");
            Latency latency = pair.latency();
            assertThat(latency.packets()).isEqualTo(100);
            // A multicast of the kernel's own may have been flooded meanwhile.
            assertThat(latency.unmeasured()).isEqualTo(pair.drained().packets() - 100);
            assertThat(latency.nanoseconds() / latency.packets()).isBetween(100L, MUCH_NANOS);
        }
    }

    @Test
    void whatCameInByAnInterfaceThatIsNotMeteredIsCountedAsUnmeasured() throws Exception {
        try (Meter meter = new Meter(options().withInterfaces(lab.router() + ":server"))) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);

            Pair pair = pair(meter, "client", "server");
            assertThat(pair.drained().packets()).isEqualTo(100);
            assertThat(pair.latency()).isEqualTo(new Latency(0, 0, 100));
        }
    }

    /** As flowctl attaches, and flowctl agent meters. */
    @ParameterizedTest
    @EnumSource(names = {"TCX", "CLSACT"})
    void whatWasAttachedForItIsMeasuredByAnExporterOfWhatIsAttached(Hook hook) throws Exception {
        BpfMount.ensure();
        InstalledMeters installed = InstalledMeters.in(lab.router());
        assertThat(installed.attach(options().withHook(hook).withPin(true), false, false, false))
                .hasSize(6)
                .allMatch(InstalledMeters.Outcome::done);
        Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
        MeterOptions attached =
                options().withPin(true).withInterfaces("attached").withLatency(false);
        try (Meter meter = new Meter(attached)) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);

            Pair pair = pair(meter, "client", "server");
            assertThat(pair.drained().packets()).isEqualTo(110);
            assertAllMeasured(pair);
        }
        assertThat(installed.attached()).hasSize(6);
        assertThat(installed.detach(options(), true, false))
                .hasSize(6)
                .allMatch(InstalledMeters.Outcome::done);
    }

    @Test
    void whatThisHostSendsItselfIsNotMeasured() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            Traffic.ping(lab.router(), Lab.SERVER, 5, 100);

            assertThat(pair(meter, "", "server").latency()).isEqualTo(new Latency(0, 0, 0));
        }
    }

    /** The server answers some of the packets: nobody listens. */
    @Test
    void pairsOfInterfacesThatAreGoneAreAddedUp() throws Exception {
        try (Meter meter = new Meter(options())) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);
            long measured =
                    pair(meter, "client", "server").latency().packets()
                            + pair(meter, "server", "client").latency().packets();
            Lab.ip("-n " + lab.router() + " link delete server");
            await().untilAsserted(() -> assertThat(others(meter.status())).isEqualTo(measured));
            assertThat(others(meter.status())).as("once").isEqualTo(measured);
        }
    }

    private static long others(MeterStatus status) {
        return status.pairs().stream()
                .filter(Pair::isOthers)
                .mapToLong(pair -> pair.latency().packets())
                .sum();
    }

    @Test
    void withoutTheOptionNothingIsThere() throws Exception {
        try (Meter meter = new Meter(options().withLatency(false))) {
            meter.start();
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 100, 100);

            assertThat(pair(meter, "client", "server").latency()).isNull();
        }
    }

    @Test
    void atIngressThereIsNothingToMeasure() {
        assertThatThrownBy(() -> new Meter(options().withDirection(MeteringDirection.INGRESS)))
                .hasMessage(
                        "latency is measured where packets leave: give the direction egress or"
                                + " both");
    }
}
