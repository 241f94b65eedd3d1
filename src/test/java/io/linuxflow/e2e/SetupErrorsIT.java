// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.util.Arrays;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What the user did wrong is said on one line, which names the thing and the remedy. */
class SetupErrorsIT {

    private Lab lab;

    @BeforeEach
    void makeLab() {
        lab = new Lab();
    }

    @AfterEach
    void removeLab() {
        lab.close();
    }

    private static void assertSays(CamelCli camel, String... parts) {
        assertThat(camel.output()).anyMatch(line -> Arrays.stream(parts).allMatch(line::contains));
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "meter.interfaces    | no-such-ns:eth0       | no-such-ns | ip netns add",
                "meter.direction     | sideways              | direction  | sideways",
                "drain.interval      | 5x                    | drainInterval | 5x",
                "flow.cacheMaxFlows  | 0                     | cacheMaxFlows is 0 | give 1 to",
                "ipfix.fields        | octetDeltaCount,fooo  | fooo       | nearest",
                "ipfix.maxMessageLength | 20                 | Message length 20 | at least",
                "ipfix.enterpriseElements | rule/1=mrak      | rule/1=mrak | nearest are mark",
                "ipfix.templateIds   | 100                   | Template ID 100 | 256 to 65535",
            })
    void aWrongPropertyEndsIt(String property, String value, String thing, String remedy) {
        try (CamelCli camel =
                CamelCli.runRoutes().in(lab.router()).property(property, value).start()) {
            assertThat(camel.awaitEnd()).isNotZero();
            assertSays(camel, thing, remedy == null ? "" : remedy);
        }
    }

    @Test
    void anInterfaceThatIsNotThereIsAwaited() {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .in(lab.router())
                        .property("meter.interfaces", "no-such0")
                        .start()) {
            camel.awaitLine(line -> line.contains("Interface no-such0 is not there"));
        }
    }

    @Test
    void withoutCapabilitiesItSaysWhichItNeeds() {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .by("setpriv", "--bounding-set=-all", "--inh-caps=-all")
                        .start()) {
            assertThat(camel.awaitEnd()).isNotZero();
            assertSays(camel, "EPERM", "Run as root or with CAP_BPF");
        }
    }

    /** The datagrams come back as ICMP errors; sending goes on, for when it is there. */
    @Test
    void aCollectorThatDoesNotListenIsReportedOnceInAWhile() {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .in(lab.router())
                        .property("drain.interval", "200ms")
                        .property("flow.activeTimeout", "0")
                        .property("ipfix.collector", "127.0.0.1:9")
                        .start()) {
            camel.awaitMetered("server", "egress");
            AtomicInteger port = new AtomicInteger(4000);
            await().until(
                            () -> {
                                int next = port.incrementAndGet();
                                Traffic.udp(lab.client(), next, Lab.SERVER, 5000, 10, 100);
                                return camel.output().stream()
                                        .anyMatch(line -> line.contains("Nobody listens"));
                            });
            for (int i = 0; i < 20; i++) {
                Traffic.udp(lab.client(), 5001 + i, Lab.SERVER, 5000, 10, 100);
            }
            camel.stop();
            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Nobody listens"))
                    .singleElement()
                    .asString()
                    .contains("at the collector 127.0.0.1:9 (ICMP port unreachable)");
            assertThat(camel.output()).noneMatch(line -> line.contains("Exception"));
        }
    }

    @Test
    void aCollectorWithoutAnAddressIsReportedOnceInAWhile() {
        try (CamelCli camel =
                CamelCli.runRoutes()
                        .in(lab.router())
                        .property("drain.interval", "200ms")
                        .property("flow.activeTimeout", "0")
                        .property("ipfix.collector", "no-such-host.invalid:4739")
                        .start()) {
            camel.awaitMetered("server", "egress");
            for (int i = 0; i < 5; i++) {
                Traffic.udp(lab.client(), 4001 + i, Lab.SERVER, 5000, 10, 100);
            }
            camel.awaitLine(line -> line.contains("Route ipfix failed to deliver"));
            camel.stop();
            assertSays(camel, "Route ipfix failed to deliver", "no-such-host.invalid", "flows");
            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Route ipfix failed to deliver"))
                    .hasSize(1);
            assertThat(camel.output()).noneMatch(line -> line.startsWith("\tat "));
        }
    }
}
