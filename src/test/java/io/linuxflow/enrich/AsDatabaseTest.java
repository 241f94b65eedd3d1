// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static io.linuxflow.enrich.Batches.known;
import static io.linuxflow.enrich.Batches.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AsDatabaseTest {

    @TempDir private Path directory;
    private Path file;
    private AsDatabase database;

    @BeforeEach
    void nameFile() {
        file = directory.resolve("asn.mmdb");
        database = new AsDatabase(Duration.ofMillis(20));
        database.setFile(file.toString());
    }

    private FlowBatch flow(String source, String destination) {
        return database.enrich(Batches.of(source, destination));
    }

    @Test
    void theFieldsOfMaxMindAndDbIp() {
        new MmdbWriter("GeoLite2-ASN")
                .add(
                        "192.0.2.0/24",
                        Map.of(
                                "autonomous_system_number",
                                64500,
                                "autonomous_system_organization",
                                "Example"))
                .add("198.51.100.0/25", Map.of("autonomous_system_number", -94967296))
                .add(
                        "2001:db8::/32",
                        Map.of(
                                "autonomous_system_number",
                                64502,
                                "autonomous_system_organization",
                                "Beispiel"))
                .write(file);

        FlowBatch ipv4 = flow("192.0.2.255", "198.51.100.1");
        assertThat(value(ipv4, "bgpSourceAsNumber")).isEqualTo("64500");
        assertThat(value(ipv4, "sourceAsName")).isEqualTo("Example");
        assertThat(value(ipv4, "bgpDestinationAsNumber")).isEqualTo("4200000000");
        assertThat(known(ipv4)).hasSize(3);
        FlowBatch ipv6 = flow("2001:db8:ffff::1", "2001:db9::1");
        assertThat(value(ipv6, "bgpSourceAsNumber")).isEqualTo("64502");
        assertThat(value(ipv6, "sourceAsName")).isEqualTo("Beispiel");
        assertThat(known(ipv6)).hasSize(2);
        FlowBatch neither = flow("192.0.3.0", "198.51.100.128");
        assertThat(known(neither)).isEmpty();
        assertThat(neither.columns())
                .extracting(Column::name)
                .containsExactly(
                        "bgpSourceAsNumber",
                        "bgpDestinationAsNumber",
                        "sourceAsName",
                        "destinationAsName");
        assertThat(database.status().prefixes()).isEqualTo(3);
    }

    @Test
    void theFieldsOfIpinfo() {
        new MmdbWriter("ipinfo bundle_location_lite.mmdb")
                .add(
                        "192.0.2.0/24",
                        Map.of("asn", "AS64500", "as_name", "Example", "country", "DE"))
                .add("198.51.100.0/24", Map.of("asn", "AS64501", "name", "Other"))
                .add("203.0.113.0/24", Map.of("country", "DE"))
                .write(file);

        FlowBatch flow = flow("192.0.2.1", "198.51.100.1");
        assertThat(value(flow, "bgpSourceAsNumber")).isEqualTo("64500");
        assertThat(value(flow, "sourceAsName")).isEqualTo("Example");
        assertThat(value(flow, "bgpDestinationAsNumber")).isEqualTo("64501");
        assertThat(value(flow, "destinationAsName")).isEqualTo("Other");
        assertThat(known(flow("203.0.113.1", "203.0.113.1"))).isEmpty();
    }

    @Test
    void aFileThatHasNoneIsRefused() throws Exception {
        new MmdbWriter("GeoLite2-Country").add("192.0.2.0/24", Map.of("country", "DE")).write(file);
        assertThatThrownBy(database::start)
                .hasMessage(
                        file
                                + " (GeoLite2-Country) has none of the fields"
                                + " autonomous_system_number, asn");

        Files.writeString(file, "192.0.2.0/24,64500");
        assertThatThrownBy(database::start)
                .hasMessageStartingWith(file + " is no MMDB file, or a broken one");

        database.setFile(null);
        assertThatThrownBy(database::start)
                .hasMessage("no file is named: set the property flow.asDatabase");
    }

    @Test
    void aFileThatChangesIsReadAgain() {
        new MmdbWriter("one").add("10.0.0.0/8", Map.of("asn", "AS1")).write(file);
        assertThat(value(flow("10.0.0.1", "::1"), "bgpSourceAsNumber")).isEqualTo("1");

        new MmdbWriter("two").add("10.0.0.0/8", Map.of("asn", "AS22")).write(file);

        await().until(() -> "22".equals(value(flow("10.0.0.1", "::1"), "bgpSourceAsNumber")));
    }
}
