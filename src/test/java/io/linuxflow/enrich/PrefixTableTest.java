// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static io.linuxflow.enrich.Batches.known;
import static io.linuxflow.enrich.Batches.value;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.linuxflow.flow.Column;
import io.linuxflow.flow.FlowBatch;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PrefixTableTest {

    @TempDir private Path directory;
    private Path file;
    private PrefixTable table;

    @BeforeEach
    void nameFile() {
        file = directory.resolve("prefixes.csv");
        table = new PrefixTable(Duration.ofMillis(20));
        table.setFile(file.toString());
    }

    private void write(String... lines) {
        try {
            Path fresh = Files.write(directory.resolve("fresh"), List.of(lines));
            Files.move(fresh, file, StandardCopyOption.REPLACE_EXISTING);
        } catch (IOException e) {
            throw new AssertionError(e);
        }
    }

    private FlowBatch flow(String source, String destination) {
        return table.enrich(Batches.of(source, destination));
    }

    private String number(String source) {
        return value(flow(source, "0.0.0.1"), "bgpSourceAsNumber");
    }

    private String name(String source) {
        return value(flow(source, "0.0.0.1"), "sourceAsName");
    }

    @Test
    void aFlowHasTheNumbersOfBothEndsAndTheNextHopOfTheDestination() {
        write("192.0.2.0/24,64500,10.0.0.1,Here", "198.51.100.0/24,4200000000,10.0.0.2,There");

        FlowBatch flow = flow("192.0.2.1", "198.51.100.1");

        assertThat(value(flow, "bgpSourceAsNumber")).isEqualTo("64500");
        assertThat(value(flow, "bgpDestinationAsNumber")).isEqualTo("4200000000");
        assertThat(value(flow, "sourceAsName")).isEqualTo("Here");
        assertThat(value(flow, "destinationAsName")).isEqualTo("There");
        assertThat(value(flow, "bgpNextHopIPv4Address")).isEqualTo("10.0.0.2");
        assertThat(known(flow)).hasSize(5);
    }

    @Test
    void ipv6() {
        write("2001:db8::/32,64500,fd00::1", "2001:db8:1::/48,64501,fd00::2");

        FlowBatch flow = flow("2001:db8::1", "2001:db8:1::1");

        assertThat(value(flow, "bgpSourceAsNumber")).isEqualTo("64500");
        assertThat(value(flow, "bgpDestinationAsNumber")).isEqualTo("64501");
        assertThat(value(flow, "bgpNextHopIPv6Address")).isEqualTo("fd00:0:0:0:0:0:0:2");
        assertThat(known(flow)).hasSize(3);
    }

    @Test
    void allColumnsAreThereThoughNoFlowHasAValue() {
        write("192.0.2.0/24,64500,10.0.0.1,Here");

        FlowBatch flow = flow("198.51.100.1", "2001:db8::1");

        assertThat(flow.columns())
                .extracting(Column::name)
                .containsExactly(
                        "bgpSourceAsNumber",
                        "bgpDestinationAsNumber",
                        "sourceAsName",
                        "destinationAsName",
                        "bgpNextHopIPv4Address",
                        "bgpNextHopIPv6Address");
        assertThat(flow.columns()).allMatch(Column::isEmpty);
    }

    @Test
    void commentsHeaderBlanksAndEndsOfLinesOfAllKinds() {
        write(
                "\ufeff# a dump",
                "",
                "prefix,AS,next hop,name\r",
                "  10.1.0.0/16 , AS64500 , , \r",
                "10.2.0.0/16,as64501\r",
                "# not to be forgotten",
                "10.3.0.0/16,1.10,,\"Say \"\"Hello\"\", Inc.\"",
                "10.4.0.0/16,64503,,Hello, Inc.",
                "10.5.0.1,64504,10.0.0.1,Größe",
                "10.6.0.0/16,,10.0.0.1");

        assertThat(number("10.1.0.1")).isEqualTo("64500");
        assertThat(name("10.1.0.1")).isNull();
        assertThat(number("10.2.0.1")).isEqualTo("64501");
        assertThat(number("10.3.0.1")).isEqualTo("65546");
        assertThat(name("10.3.0.1")).isEqualTo("Say \"Hello\", Inc.");
        assertThat(name("10.4.0.1")).isEqualTo("Hello, Inc.");
        assertThat(number("10.5.0.1")).isEqualTo("64504");
        assertThat(name("10.5.0.1")).isEqualTo("Größe");
        assertThat(number("10.5.0.2")).isNull();
        assertThat(known(flow("10.6.0.1", "10.6.0.2"))).containsExactly("bgpNextHopIPv4Address");
        assertThat(table.status().prefixes()).isEqualTo(6);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "10.0.0.0/33,1       | \"10.0.0.0/33\" is no address or prefix",
                "10.0.0.0/x,1        | \"10.0.0.0/x\" is no address or prefix",
                "2001:db8::/129,1    | \"2001:db8::/129\" is no address or prefix",
                "10.0.0/8,1          | \"10.0.0/8\" is no address or prefix",
                "10.0.0.256/8,1      | \"10.0.0.256/8\" is no address or prefix",
                "2001:db8:::/32,1    | \"2001:db8:::/32\" is no address or prefix",
                "example.org,1       | \"example.org\" is no address or prefix",
                "prefix,as           | \"prefix\" is no address or prefix",
                "10.0.0.0/8,ASx      | \"ASx\" is no AS number",
                "10.0.0.0/8,-1       | \"-1\" is no AS number",
                "10.0.0.0/8,4294967296 | \"4294967296\" is no AS number",
                "10.0.0.0/8,1.65536  | \"1.65536\" is no AS number",
                "10.0.0.0/8,1,gw     | \"gw\" is no IP address",
            })
    void aLineThatIsWrongIsNamed(String line, String reason) {
        write("# comment", "192.0.2.0/24,64500", line);

        assertThatThrownBy(table::start)
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining(file + " line 3: " + reason);
    }

    @Test
    void withoutAFileItSaysHowToNameOne() {
        assertThatThrownBy(table::start).hasMessage("there is no file " + file);
        table.setFile("");
        assertThatThrownBy(table::start)
                .hasMessage("no file is named: set the property flow.prefixTable");
    }

    @Test
    void aFileThatChangesIsReadAgainAndABrokenOneIsNot() {
        write("10.0.0.0/8,1");
        assertThat(number("10.0.0.1")).isEqualTo("1");

        write("10.0.0.0/8,2", "11.0.0.0/8,3");
        await().until(() -> "2".equals(number("10.0.0.1")));

        write("10.0.0.0/8,4", "11.0.0.0/80,3");
        await().until(
                        () -> {
                            assertThat(number("10.0.0.1")).isEqualTo("2");
                            return table.status().failures() == 1;
                        });
        assertThat(number("11.0.0.1")).isEqualTo("3");

        write("10.0.0.0/8,5");
        await().until(() -> "5".equals(number("10.0.0.1")));
        assertThat(table.status().failures()).isEqualTo(1);
    }

    @Test
    void aFileThatIsGoneLeavesTheTable() throws IOException {
        write("10.0.0.0/8,1");
        assertThat(number("10.0.0.1")).isEqualTo("1");

        Files.delete(file);
        await().until(
                        () -> {
                            assertThat(number("10.0.0.1")).isEqualTo("1");
                            return table.status().failures() == 1;
                        });
        write("10.0.0.0/8,2");
        await().until(() -> "2".equals(number("10.0.0.1")));
    }

    @Test
    void theLaterOfTwoTablesCountsAndTheEarlierWhereThatHasNothing() throws IOException {
        write("10.0.0.0/8,1", "11.0.0.0/8,1");
        PrefixTable own = new PrefixTable();
        own.setFile(Files.writeString(directory.resolve("own"), "10.0.0.0/24,2,,Mine").toString());

        FlowBatch both =
                own.enrich(
                        table.enrich(
                                new Batches()
                                        .flow("10.0.0.1", "11.0.0.1")
                                        .flow("11.0.0.1", "10.0.0.1")
                                        .batch()));

        assertThat(value(both, "bgpSourceAsNumber", 0)).isEqualTo("2");
        assertThat(value(both, "bgpSourceAsNumber", 1)).isEqualTo("1");
        assertThat(value(both, "bgpDestinationAsNumber", 0)).isEqualTo("1");
        assertThat(value(both, "bgpDestinationAsNumber", 1)).isEqualTo("2");
        assertThat(value(both, "sourceAsName", 0)).isEqualTo("Mine");
    }
}
