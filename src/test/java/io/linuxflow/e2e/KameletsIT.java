// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.e2e.Traffic.Total;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** A route of nothing but the two Kamelets. */
class KameletsIT {

    private static CamelCli.Command kamelets(Lab lab, IpfixCollector collector) {
        return CamelCli.run("src/test/resources/routes/kamelets.camel.yaml")
                .arguments("--local-kamelet-dir=kamelets")
                .property("meter.interfaces", lab.router() + ":server")
                .property("ipfix.collector", "127.0.0.1:" + collector.port());
    }

    @Test
    void meterAndExport() {
        try (Lab lab = new Lab();
                IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel = kamelets(lab, collector).start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            Total total = Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
            camel.stop();
            assertThat(
                            collector.total(
                                    Map.of("sourceTransportPort", 4001, IpfixCollector.DOMAIN, 9)))
                    .isEqualTo(total);
            assertThat(collector.errors()).isEmpty();
        }
    }

    @Test
    void exportTheFieldsAskedFor() {
        try (Lab lab = new Lab();
                IpfixCollector collector = new IpfixCollector(null, "127.0.0.1");
                CamelCli camel =
                        kamelets(lab, collector)
                                .property("ipfix.fields", "sourceTransportPort,octetDeltaCount,ttl")
                                .property("ipfix.enterpriseElements", "ttl/32473.3=maximumTTL")
                                .start()) {
            camel.awaitMetered(lab.router() + ":server", "egress");
            Traffic.udp(lab.client(), 4001, Lab.SERVER, 5000, 10, 100);
            camel.stop();
            assertThat(collector.records())
                    .filteredOn(record -> record.has(Map.of("sourceTransportPort", 4001)))
                    .isNotEmpty()
                    .allSatisfy(
                            record ->
                                    assertThat(record.values())
                                            .containsOnlyKeys(
                                                    "sourceTransportPort",
                                                    "octetDeltaCount",
                                                    "32473/3",
                                                    IpfixCollector.DOMAIN));
        }
    }
}
