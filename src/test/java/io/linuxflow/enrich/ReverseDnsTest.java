// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static io.linuxflow.enrich.Batches.known;
import static io.linuxflow.enrich.Batches.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.linuxflow.flow.FlowBatch;
import java.time.Duration;
import java.util.Collections;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class ReverseDnsTest {

    private static final String IPV6_NAME =
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa";

    private DnsServer server;
    private ReverseDns dns;

    @BeforeEach
    void serve() {
        server =
                new DnsServer()
                        .name("1.0.0.10.in-addr.arpa", "one.example.org")
                        .name("2.0.0.10.in-addr.arpa", "two.example.org")
                        .name(IPV6_NAME, "six.example.org");
        dns = new ReverseDns();
        dns.setServer(server.address());
    }

    @AfterEach
    void stop() {
        dns.close();
        server.close();
    }

    private FlowBatch flow(String source, String destination) {
        return dns.enrich(Batches.of(source, destination));
    }

    private void awaitLookups() {
        await().until(() -> dns.lookups().pending() == 0);
    }

    @Test
    void theNameForTheAddressInDns() {
        assertThat(ReverseDns.arpa(Batches.octets("10.0.0.1"))).isEqualTo("1.0.0.10.in-addr.arpa");
        assertThat(ReverseDns.arpa(Batches.octets("2001:db8::1"))).isEqualTo(IPV6_NAME);
    }

    @Test
    void namesShowOnceTheyAreKnown() {
        assertThat(known(flow("10.0.0.1", "10.0.0.2"))).isEmpty();
        assertThat(flow("10.0.0.1", "10.0.0.2").columns()).hasSize(2);

        await().until(() -> !known(flow("10.0.0.1", "10.0.0.2")).isEmpty());
        awaitLookups();
        FlowBatch known = flow("10.0.0.1", "10.0.0.2");
        assertThat(value(known, "sourceHostName")).isEqualTo("one.example.org");
        assertThat(value(known, "destinationHostName")).isEqualTo("two.example.org");
        assertThat(server.questions())
                .containsExactlyInAnyOrder("1.0.0.10.in-addr.arpa", "2.0.0.10.in-addr.arpa");
    }

    @Test
    void namesAreLookedUpAfterItWasClosed() {
        dns.close();

        await().until(() -> !known(flow("10.0.0.1", "10.0.0.2")).isEmpty());
        assertThat(dns.lookups().dropped()).isZero();
    }

    @Test
    void ipv6() {
        await().until(
                        () ->
                                "six.example.org"
                                        .equals(
                                                value(
                                                        flow("2001:db8::1", "2001:db8::2"),
                                                        "sourceHostName")));
        assertThat(value(flow("2001:db8::1", "2001:db8::2"), "destinationHostName")).isNull();
    }

    @Test
    void thatThereIsNoNameIsKnownToo() {
        flow("10.0.0.9", "10.0.0.9");
        awaitLookups();

        assertThat(known(flow("10.0.0.9", "10.0.0.9"))).isEmpty();
        assertThat(server.questions()).hasSize(1);
        assertThat(dns.lookups().cached()).isEqualTo(1);
        assertThat(dns.lookups().hits()).isEqualTo(3);
        assertThat(dns.lookups().misses()).isEqualTo(1);
    }

    @Test
    void aLookupThatNobodyAnswersIsCounted() {
        server.silent(true);
        flow("10.0.0.1", "10.0.0.1");

        await().until(() -> dns.lookups().failed() == 1);
        assertThat(known(flow("10.0.0.1", "10.0.0.1"))).isEmpty();
    }

    @Test
    void withoutAnAnswerNobodyWaits() {
        server.silent(true);
        Batches flows = new Batches();
        for (int i = 0; i < 10_000; i++) {
            flows.flow("10.1." + i / 250 + "." + i % 250, "10.0.0.1");
        }
        FlowBatch batch = flows.batch();
        long begin = System.nanoTime();

        assertThat(known(dns.enrich(batch))).isEmpty();
        assertThat(known(dns.enrich(new FlowBatch(batch.records(), batch.size(), 0)))).isEmpty();

        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(2));
        Lookups lookups = dns.lookups();
        assertThat(lookups.misses()).isEqualTo(10_001);
        assertThat(lookups.pending()).isBetween(8000L, 8200L);
        assertThat(lookups.dropped()).isEqualTo(10_001 - lookups.pending());

        begin = System.nanoTime();
        dns.close();
        assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(Duration.ofSeconds(1));
        assertThat(dns.enrich(batch)).isNotNull();
        assertThat(Collections.frequency(server.questions(), "1.0.0.10.in-addr.arpa"))
                .isLessThan(3);
    }
}
