// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static io.linuxflow.enrich.Batches.known;
import static io.linuxflow.enrich.Batches.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.flow.FlowBatch;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The routes of a namespace, as {@code ip route} makes them. */
class FibIT {

    private static final int EAST = 70;
    private static final int WEST = 71;

    private Namespace router;
    private Fib fib;

    @BeforeEach
    void makeRoutes() {
        router = new Namespace();
        router.veth("east", EAST);
        router.veth("west", WEST);
        router.ip("address add 10.1.0.1/24 dev east");
        router.ip("address add 10.2.0.1/24 dev west");
        router.ip("address add fd00:1::1/64 dev east nodad");
        router.ip("address add fd00:2::1/64 dev west nodad");
        router.ip("route add 192.0.2.0/24 via 10.1.0.2");
        router.ip("route add 192.0.2.128/25 via 10.2.0.2");
        router.ip("route add 2001:db8::/32 via fd00:1::2");
        router.ip("route add 2001:db8:ffff::/48 via fd00:2::2");
        fib = new Fib();
    }

    @AfterEach
    void remove() {
        fib.close();
        router.close();
    }

    private FlowBatch flow(String source, String destination) {
        return flow(source, destination, 0, 0);
    }

    private FlowBatch flow(String source, String destination, int egress, int mark) {
        return fib.enrich(
                new Batches()
                        .flow(source, destination, 0, egress, 1, mark)
                        .batch()
                        .from(router.name()));
    }

    private String nextHop(String destination) {
        return value(flow("10.1.0.9", destination), "ipNextHopIPv4Address");
    }

    @Test
    void theLongestPrefixAndItsGateway() {
        FlowBatch flow = flow("192.0.2.1", "192.0.2.129");

        assertThat(value(flow, "sourceIPv4PrefixLength")).isEqualTo("24");
        assertThat(value(flow, "destinationIPv4PrefixLength")).isEqualTo("25");
        assertThat(value(flow, "ipNextHopIPv4Address")).isEqualTo("10.2.0.2");
        assertThat(known(flow)).hasSize(3);
        assertThat(nextHop("192.0.2.1")).isEqualTo("10.1.0.2");
    }

    @Test
    void theSameForIpv6() {
        FlowBatch flow = flow("2001:db8::1", "2001:db8:ffff::1");

        assertThat(value(flow, "sourceIPv6PrefixLength")).isEqualTo("32");
        assertThat(value(flow, "destinationIPv6PrefixLength")).isEqualTo("48");
        assertThat(value(flow, "ipNextHopIPv6Address")).isEqualTo("fd00:2:0:0:0:0:0:2");
        assertThat(known(flow)).hasSize(3);
    }

    @Test
    void onTheLinkAndAtThisHostTheNextHopIsUnspecified() {
        FlowBatch connected = flow("10.1.0.9", "10.2.0.9");
        assertThat(value(connected, "sourceIPv4PrefixLength")).isEqualTo("24");
        assertThat(value(connected, "ipNextHopIPv4Address")).isEqualTo("0.0.0.0");

        FlowBatch local = flow("10.1.0.9", "10.1.0.1");
        assertThat(value(local, "destinationIPv4PrefixLength")).isEqualTo("32");
        assertThat(value(local, "ipNextHopIPv4Address")).isEqualTo("0.0.0.0");

        assertThat(value(flow("fd00:1::9", "fd00:2::9"), "ipNextHopIPv6Address"))
                .isEqualTo("0:0:0:0:0:0:0:0");
    }

    @Test
    void withoutARouteNothingIsKnown() {
        router.ip("route add blackhole 198.51.100.0/24");
        router.ip("route add unreachable 203.0.113.0/24");
        router.ip("route add blackhole 2001:db8:dead::/48");

        assertThat(known(flow("198.51.100.1", "203.0.113.1"))).isEmpty();
        assertThat(known(flow("8.8.8.8", "9.9.9.9"))).isEmpty();
        assertThat(flow("8.8.8.8", "9.9.9.9").columns()).hasSize(6);
        assertThat(known(flow("2001:db8:dead::1", "3fff::1"))).isEmpty();
        assertThat(fib.lookups().cached()).isEqualTo(6);
    }

    @Test
    void ofSeveralHopsItIsTheOneBehindTheInterface() {
        router.ip(
                "route add 198.51.100.0/24 nexthop via 10.1.0.2 nexthop via 10.2.0.2 nexthop via"
                        + " 10.2.0.3");

        FlowBatch east = flow("10.1.0.9", "198.51.100.1", EAST, 0);
        assertThat(value(east, "destinationIPv4PrefixLength")).isEqualTo("24");
        assertThat(value(east, "ipNextHopIPv4Address")).isEqualTo("10.1.0.2");
        assertThat(value(flow("10.1.0.9", "198.51.100.1", WEST, 0), "ipNextHopIPv4Address"))
                .isNull();
        assertThat(value(flow("10.1.0.9", "198.51.100.1"), "ipNextHopIPv4Address")).isNull();
    }

    @Test
    void severalHopsOfIpv6() {
        router.ip("route add 3fff::/20 nexthop via fd00:1::2 nexthop via fd00:2::2");

        FlowBatch west = flow("fd00:1::9", "3fff::1", WEST, 0);
        assertThat(value(west, "destinationIPv6PrefixLength")).isEqualTo("20");
        assertThat(value(west, "ipNextHopIPv6Address")).isEqualTo("fd00:2:0:0:0:0:0:2");
    }

    @Test
    void anIpv4RouteMayLeadToAnIpv6Neighbour() {
        router.ip("route add 198.51.100.0/24 via inet6 fd00:1::2");

        FlowBatch flow = flow("10.1.0.9", "198.51.100.1");
        assertThat(value(flow, "destinationIPv4PrefixLength")).isEqualTo("24");
        assertThat(value(flow, "ipNextHopIPv6Address")).isEqualTo("fd00:1:0:0:0:0:0:2");
        assertThat(value(flow, "ipNextHopIPv4Address")).isNull();
    }

    @Test
    void nextHopObjects() {
        router.ip("nexthop add id 1 via 10.1.0.2 dev east");
        router.ip("nexthop add id 2 via 10.2.0.2 dev west");
        router.ip("nexthop add id 3 group 1/2");
        router.ip("route add 198.51.100.0/25 nhid 1");
        router.ip("route add 198.51.100.128/25 nhid 3");
        for (String compatible : List.of("1", "0")) {
            router.exec("sysctl -qw net.ipv4.nexthop_compat_mode=" + compatible);
            try (Fib fresh = new Fib()) {
                FlowBatch one =
                        fresh.enrich(
                                new Batches()
                                        .flow("10.1.0.9", "198.51.100.1", 0, EAST, 1, 0)
                                        .flow("10.1.0.9", "198.51.100.129", 0, WEST, 1, 0)
                                        .batch()
                                        .from(router.name()));
                assertThat(value(one, "ipNextHopIPv4Address", 0)).isEqualTo("10.1.0.2");
                assertThat(value(one, "ipNextHopIPv4Address", 1)).isEqualTo("10.2.0.2");
                assertThat(value(one, "destinationIPv4PrefixLength", 1)).isEqualTo("25");
            }
        }
    }

    @Test
    void rulesAreFollowed() {
        router.ip("route add default via 10.1.0.3 table 100");
        router.ip("route add default via 10.2.0.3 table 200");
        router.ip("rule add priority 40000 lookup 100");
        router.ip("rule add priority 30000 fwmark 7 lookup 200");

        FlowBatch unmarked = flow("10.1.0.9", "8.8.8.8");
        assertThat(value(unmarked, "destinationIPv4PrefixLength")).isEqualTo("0");
        assertThat(value(unmarked, "ipNextHopIPv4Address")).isEqualTo("10.1.0.3");
        assertThat(value(flow("10.1.0.9", "8.8.8.8", 0, 7), "ipNextHopIPv4Address"))
                .isEqualTo("10.2.0.3");
    }

    @Test
    void changesShow() {
        assertThat(nextHop("192.0.2.1")).isEqualTo("10.1.0.2");

        router.ip("route replace 192.0.2.0/24 via 10.2.0.7");
        await().until(() -> "10.2.0.7".equals(nextHop("192.0.2.1")));

        router.ip("link set west down");
        await().until(() -> nextHop("192.0.2.1") == null);

        router.ip("route add default via 10.1.0.4");
        await().until(() -> "10.1.0.4".equals(nextHop("192.0.2.1")));

        router.ip("route add 203.0.113.0/24 via 10.1.0.5 table 100");
        assertThat(nextHop("203.0.113.1")).isEqualTo("10.1.0.4");
        router.ip("rule add priority 100 lookup 100");
        await().until(() -> "10.1.0.5".equals(nextHop("203.0.113.1")));
    }

    @Test
    void anAddressIsLookedUpOnce() {
        Batches flows = new Batches();
        for (int i = 0; i < 1000; i++) {
            flows.flow("10.1.0." + i % 250, "192.0.2." + i % 250);
        }
        FlowBatch batch = flows.batch().from(router.name());

        fib.enrich(batch);
        assertThat(fib.lookups().misses()).isEqualTo(2000);
        assertThat(fib.lookups().cached()).isEqualTo(500);
        // Another route asks for the same batch.
        fib.enrich(batch);
        assertThat(fib.lookups().hits()).isZero();
        FlowBatch again = fib.enrich(flows.batch().from(router.name()));

        assertThat(fib.lookups().hits()).isEqualTo(2000);
        assertThat(fib.lookups().misses()).isEqualTo(2000);
        assertThat(value(again, "ipNextHopIPv4Address", 999)).isEqualTo("10.2.0.2");
        assertThat(again.column("ipNextHopIPv4Address").value(0))
                .isSameAs(again.column("ipNextHopIPv4Address").value(250));
    }

    /** What there is no time for goes without; soon after there is time again. */
    @Test
    void aFloodOfNewAddressesIsNotFollowed() {
        int batches = 1500;
        int flowsEach = 256;
        // All beforehand: what making them takes is time that lookups are allowed a share of.
        List<FlowBatch> flood = new ArrayList<>();
        for (int batch = 0; batch < batches; batch++) {
            Batches flows = new Batches();
            for (int i = 0; i < flowsEach; i++) {
                String prefix = "2001:db8:%x:%x::".formatted(batch, i);
                flows.flow(prefix + 1, prefix + 2);
            }
            flood.add(flows.batch().from(router.name()));
        }
        flood.forEach(fib::enrich);
        Lookups lookups = fib.lookups();
        assertThat(lookups.misses()).isEqualTo(2 * batches * flowsEach);
        assertThat(lookups.dropped()).isBetween(1L, lookups.misses() - 1);
        await().until(
                        () ->
                                value(flow("2001:db8::1", "2001:db8::2"), "ipNextHopIPv6Address")
                                        != null);
    }
}
