// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.e2e;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import com.fasterxml.jackson.databind.JsonNode;
import io.linuxflow.e2e.Traffic.Total;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Programs of the user's in routes, with the real jq. */
class HooksIT {

    /** That of the Go linux-flow-exporter's example of a hook, to the letter. */
    private static final String EXAMPLE =
            """
            #!/bin/sh
            jq '[.[] | . + {
                foo1:"foo1",
                foo2:"foo2",
                foo3:"foo3",
                foo4:"foo4",
                foo5:"foo5",
                foo6:"foo6",
                foo7:"foo7",
                foo8:"foo8"
                }]'
            """;

    @TempDir private Path directory;
    private Path file;
    private Lab lab;
    private IpfixCollector collector;

    @BeforeEach
    void makeLab() {
        file = directory.resolve("flows.json");
        lab = new Lab();
        collector = new IpfixCollector(null, "127.0.0.1");
    }

    @AfterEach
    void removeLab() {
        collector.close();
        lab.close();
    }

    private CamelCli start(String hook) throws IOException {
        Path program = directory.resolve("hook");
        Files.writeString(program, hook);
        Files.setPosixFilePermissions(program, PosixFilePermissions.fromString("rwx------"));
        return CamelCli.runRoutes()
                .property("meter.interfaces", lab.router() + ":server")
                .property("drain.interval", "300ms")
                .property("flow.activeTimeout", "0")
                .property("ipfix.collector", "127.0.0.1:" + collector.port())
                .property("log.file", file)
                .property("log.hook", program)
                .property("log.hookTimeout", "3s")
                .start()
                .awaitMetered(lab.router() + ":server", "egress");
    }

    private Total send(int sourcePort) {
        return Traffic.udp(lab.client(), sourcePort, Lab.SERVER, 5000, 10, 100);
    }

    private List<JsonNode> flows(int sourcePort) {
        return LogRouteIT.flows(file, sourcePort);
    }

    @Test
    void theExampleOfTheGoExporterWorksAsItIs() throws Exception {
        try (CamelCli camel = start(EXAMPLE)) {
            Total total = send(4001);
            await().until(() -> LogRouteIT.total(flows(4001)).equals(total));
            assertThat(flows(4001))
                    .isNotEmpty()
                    .allSatisfy(
                            flow -> {
                                for (int i = 1; i <= 8; i++) {
                                    assertThat(flow.get("foo" + i).asText()).isEqualTo("foo" + i);
                                }
                                assertThat(flow.get("src").asText()).isEqualTo(Lab.CLIENT);
                                assertThat(flow.has("flowIndex")).isFalse();
                            });
            camel.stop();
            assertThat(collector.total(Map.of("sourceTransportPort", 4001))).isEqualTo(total);
        }
    }

    @Test
    void aHookThatFailsIsReportedOnceInAWhileAndLosesNoFlow() throws Exception {
        try (CamelCli camel = start("#!/bin/sh\necho out of order >&2; exit 5\n")) {
            for (int port = 4001; port <= 4004; port++) {
                Total total = send(port);
                int sourcePort = port;
                await().until(() -> LogRouteIT.total(flows(sourcePort)).equals(total));
            }
            camel.stop();
            assertThat(camel.output())
                    .filteredOn(line -> line.contains("Hook "))
                    .singleElement()
                    .asString()
                    .contains("which go on as they were: it ended with status 5; it wrote: out of");
            assertThat(camel.output()).noneMatch(line -> line.startsWith("\tat "));
        }
    }

    @Test
    void aHookThatHangsIsKilledAndLosesNoFlowEitherNorAtTheEnd() throws Exception {
        try (CamelCli camel = start("#!/bin/sh\nsleep 1234\n")) {
            Total first = send(4001);
            await().until(() -> LogRouteIT.total(flows(4001)).equals(first));
            Total second = send(4002);
            camel.stop();
            assertThat(LogRouteIT.total(flows(4002))).isEqualTo(second);
            assertThat(camel.output())
                    .anyMatch(line -> line.contains("did not end within 3000 ms and was killed"));
            assertThat(Shell.result("pgrep", "-f", "^sleep 1234").output()).isEmpty();
        }
    }

    @Test
    void theHookThatRunsAsTheExporterIsStoppedGoesOn() throws Exception {
        try (CamelCli camel = start("#!/bin/sh\nsleep 2.5; sed 's/}/,\"n\":1}/g'\n")) {
            Total total = send(4001);
            await().until(() -> Shell.result("pgrep", "-f", "^sleep 2.5$").status() == 0);
            camel.stop();
            assertThat(LogRouteIT.total(flows(4001))).isEqualTo(total);
            assertThat(flows(4001)).allSatisfy(flow -> assertThat(flow.has("n")).isTrue());
        }
    }

    @Test
    void kameletAndBeanWorkOneAfterTheOtherAndAreCounted() throws Exception {
        try (CamelCli camel =
                CamelCli.run(
                                "src/test/resources/routes/hooks.camel.yaml",
                                "routes/metrics.camel.yaml")
                        .arguments("--local-kamelet-dir=kamelets")
                        .property("meter.interfaces", lab.router() + ":server")
                        .property("log.file", file)
                        .start()
                        .awaitMetered(lab.router() + ":server", "egress")) {
            Total total = send(4001);
            await().until(() -> LogRouteIT.total(flows(4001)).equals(total));
            assertThat(flows(4001))
                    .allSatisfy(
                            flow -> {
                                assertThat(flow.get("foo1").asText()).isEqualTo("foo1");
                                assertThat(flow.get("odd").asText()).isEqualTo("100% & a=b?#");
                                assertThat(flow.get("bgpSourceAsNumber").asInt()).isEqualTo(64017);
                            });
            List<String> runs =
                    HttpClient.newHttpClient()
                            .send(
                                    HttpRequest.newBuilder(
                                                    URI.create("http://127.0.0.1:9999/metrics"))
                                            .build(),
                                    HttpResponse.BodyHandlers.ofString())
                            .body()
                            .lines()
                            .filter(line -> line.startsWith("linux_flow_exporter_hook_runs_total"))
                            .toList();
            assertThat(runs)
                    .hasSize(2)
                    .anyMatch(line -> line.contains("{hook=\"asNumber\"}"))
                    .anyMatch(line -> line.contains("{hook=\"flow-hook-action-1\"}"))
                    .noneMatch(line -> line.endsWith(" 0.0"));
            camel.stop();
            assertThat(camel.output()).noneMatch(line -> line.contains(" WARN "));
        }
    }
}
