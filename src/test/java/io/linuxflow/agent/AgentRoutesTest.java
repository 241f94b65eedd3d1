// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.linuxflow.agent.AgentConfig.Purpose;
import io.linuxflow.camel.IpfixDataFormat;
import io.linuxflow.camel.IpfixDatagramEncoder;
import io.linuxflow.flow.FlowBatch;
import io.linuxflow.flow.FlowLayout;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.apache.camel.CamelContext;
import org.apache.camel.Endpoint;
import org.apache.camel.Route;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.camel.support.PluginHelper;
import org.apache.camel.support.ResourceHelper;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@SuppressWarnings("try")
class AgentRoutesTest {

    @TempDir private Path directory;

    private AgentRoutes routes(String text) throws IOException {
        Path file = Files.writeString(directory.resolve("config.yaml"), text);
        return new AgentRoutes(AgentConfig.read(file, Purpose.FLOWS, null), Map.of());
    }

    private static CamelContext load(AgentRoutes routes) throws Exception {
        CamelContext context = new DefaultCamelContext();
        context.setAutoStartup(false);
        PluginHelper.getRoutesLoader(context)
                .loadRoutes(ResourceHelper.fromString("agent.camel.yaml", routes.yaml()));
        context.start();
        return context;
    }

    @Test
    void everyOutputIsARouteWithWhatTheFileSays() throws Exception {
        AgentRoutes routes =
                routes(
                        """
                        maxIpfixMessageLen: 300
                        timerFinishedDrainSeconds: 1
                        timerForceDrainSeconds: 20
                        timerTemplateFlushSeconds: 40
                        outputs:
                        - collector:
                            remoteAddress: 127.0.0.1:2055
                            localAddress: 0.0.0.0:50101
                        - log:
                            file: /tmp/a file.json
                        - collector:
                            remoteAddress: '[::1]:2056'
                        templates:
                        - id: 1024
                          template: [SourceIPv4Address, OctetDeltaCount]
                        """);
        assertThat(routes.yaml())
                .as("without aliases, for people to go on with")
                .doesNotContain("&id");
        try (CamelContext context = load(routes)) {
            assertThat(context.getRoutes())
                    .extracting(Route::getRouteId)
                    .containsExactlyInAnyOrder("collector-1", "log-1", "collector-2");
            IpfixDataFormat format =
                    context.getRegistry()
                            .lookupByNameAndType("collector-1-ipfix", IpfixDataFormat.class);
            assertThat(format.getFields()).isEqualTo("sourceIPv4Address,octetDeltaCount");
            assertThat(format.getTemplateIds()).isEqualTo("1024");
            assertThat(format.getTemplateRefresh()).hasSeconds(40);
            assertThat(format.getMaxMessageLength()).isEqualTo(300);
            assertThat(
                            context.getRegistry()
                                    .lookupByNameAndType(
                                            "collector-1-datagrams", IpfixDatagramEncoder.class)
                                    .getLocalAddress())
                    .isEqualTo("0.0.0.0:50101");
            assertThat(context.getEndpoints())
                    .extracting(Endpoint::getEndpointUri)
                    .anyMatch(uri -> uri.startsWith("netty://udp://127.0.0.1:2055?"))
                    .anyMatch(uri -> uri.matches("netty://udp://.*::1.*:2056\\?.*"))
                    .anyMatch(uri -> uri.contains("fileName=%2Ftmp%2Fa+file.json"))
                    .anyMatch(
                            uri ->
                                    uri.startsWith("ebpf-flowmap://flows?")
                                            && uri.contains("interfaces=attached")
                                            && uri.contains("pin=true")
                                            && uri.contains("drainInterval=1s")
                                            && uri.contains("finishedDrain=1s")
                                            && uri.contains("activeTimeout=20s"));
        }
    }

    @Test
    void everyPropertyThatTheRoutesLeaveOpenHasTheValueItHasAsADefault() throws Exception {
        AgentRoutes routes = routes("outputs:\n- collector: {remoteAddress: '127.0.0.1:1'}\n");
        routes.properties()
                .forEach(
                        (name, value) -> {
                            assertThat(routes.yaml()).contains("{{" + name + ":" + value + "}}");
                            assertThat(routes.propertiesText()).contains(name + "=" + value + "\n");
                        });
    }

    /** Stands in for a hook: a bean with the properties that one has. */
    public static final class Text {
        private String shell;

        public void setShell(String shell) {
            this.shell = shell.stripLeading();
        }

        public FlowBatch enrich(FlowBatch batch) {
            return batch;
        }
    }

    @Test
    void aScriptReachesItsHookAsItIsWritten() throws Exception {
        String script = "#!/bin/sh\n# \"}}\" ${body}\n\tjq '. + {a: {b: 1}}' # 100%\n";
        AgentRoutes routes =
                routes(
                        "outputs:\n- log:\n    file: stdout\n    hooks:\n    - shell: |\n"
                                + script.indent(8));
        String yaml =
                routes.yaml().replace("io.linuxflow.enrich.CommandHook", Text.class.getName());
        try (CamelContext context = new DefaultCamelContext()) {
            context.setAutoStartup(false);
            PluginHelper.getRoutesLoader(context)
                    .loadRoutes(ResourceHelper.fromString("agent.camel.yaml", yaml));
            context.start();
            assertThat(context.getRegistry().lookupByNameAndType("log-1-hook-1", Text.class).shell)
                    .isEqualTo(script);
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"a b", "a+b", "50%41", "a&b=c", "a&b)", "R&D)(", "#a?", "RAW(a)"})
    void aLogIsTheFileOfThatName(String name) throws Exception {
        Path log = directory.resolve(name);
        Agent.sendOnce(
                routes("outputs:\n- log: {file: \"" + log + "\"}\n"),
                List.of(new FlowBatch(new byte[FlowLayout.SIZE], 1, 0)));
        assertThat(log).content().startsWith("{\"src\":").hasLineCount(1);
    }

    @Test
    void aFileNameThatCamelWouldTakeForSomethingElseIsAnError() {
        assertThatThrownBy(() -> routes("outputs:\n- log: {file: '/tmp/{{x}}'}\n"))
                .isInstanceOfSatisfying(
                        ConfigException.class,
                        e ->
                                assertThat(e.problems())
                                        .singleElement()
                                        .asString()
                                        .endsWith(
                                                ":2: outputs[0].log.file: /tmp/{{x}} holds {{ or"
                                                        + " )&, which mean something to Camel: give"
                                                        + " another"));
    }
}
