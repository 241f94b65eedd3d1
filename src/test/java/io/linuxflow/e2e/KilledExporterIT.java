// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.bpf.BpfMount;
import io.linuxflow.bpf.NetworkNamespace;
import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * With {@code meter.pin} nothing of what is in the kernel is lost when the exporter is killed in
 * the middle of traffic. The flow cache would be, so no drain fills it before.
 */
class KilledExporterIT {

    private static final int ROUNDS = 150;
    private static final int PACKETS = 200;

    private Lab lab;
    private IpfixCollector collector;

    @BeforeAll
    static void mount() throws IOException {
        BpfMount.ensure();
    }

    @BeforeEach
    void makeLab() {
        lab = new Lab();
        collector = new IpfixCollector(null, "127.0.0.1");
    }

    @AfterEach
    void removeLab() {
        Shell.run("rm", "-rf", pins().toString());
        collector.close();
        lab.close();
    }

    /** Where this namespace's state is; its name ends with the namespace's cookie. */
    private Path pins() {
        String cookie =
                Lab.in(lab.router(), () -> Long.toUnsignedString(NetworkNamespace.currentCookie()));
        return Path.of("/sys/fs/bpf/linux-flow-exporter/netns-" + cookie);
    }

    private CamelCli.Command exporter(String hook) {
        return CamelCli.run("routes/ipfix.camel.yaml")
                .property("meter.interfaces", lab.router() + ":server")
                .property("meter.hook", hook)
                .property("meter.pin", true)
                .property("drain.interval", "1h")
                .property("ipfix.collector", "127.0.0.1:" + collector.port());
    }

    @ParameterizedTest
    @ValueSource(strings = {"tcx", "clsact"})
    void theNextOneExportsWhatWasCountedBeforeAndSince(String hook) throws Exception {
        CompletableFuture<Total> sent;
        try (CamelCli camel = exporter(hook).start()) {
            camel.awaitLine(line -> line.contains("server is metered at egress (" + hook));
            sent = CompletableFuture.supplyAsync(this::send);
            TimeUnit.SECONDS.sleep(1);
            camel.kill();
        }
        assertThat(sent).as("traffic that goes on").isNotDone();
        try (CamelCli camel = exporter(hook).start()) {
            camel.awaitLine(line -> line.contains("is taken over, with"));
            sent.get(60, TimeUnit.SECONDS);
            camel.stop();
        }
        assertThat(collector.total(Map.of("destinationTransportPort", 5000))).isEqualTo(sent.get());
    }

    /** A few seconds of many flows. */
    private Total send() {
        Total total = Total.NONE;
        for (int i = 0; i < ROUNDS; i++) {
            total = total.plus(Traffic.udp(lab.client(), 4001 + i, Lab.SERVER, 5000, PACKETS, 100));
            try {
                TimeUnit.MILLISECONDS.sleep(20);
            } catch (InterruptedException e) {
                throw new AssertionError(e);
            }
        }
        return total;
    }

    @Test
    void oneThatDoesNotPinSaysThatAnotherMeterGoesOn() {
        try (CamelCli camel = exporter("auto").start()) {
            camel.awaitLine(line -> line.contains("server is metered at egress"));
            camel.stop();
        }
        try (CamelCli camel = exporter("auto").property("meter.pin", false).start()) {
            camel.awaitLine(line -> line.contains("An earlier meter's state is pinned at"));
        }
    }
}
