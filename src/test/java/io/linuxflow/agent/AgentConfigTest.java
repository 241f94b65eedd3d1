// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.agent;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.linuxflow.agent.AgentConfig.Collector;
import io.linuxflow.agent.AgentConfig.Hook;
import io.linuxflow.agent.AgentConfig.Log;
import io.linuxflow.agent.AgentConfig.Purpose;
import io.linuxflow.exporting.Nearest;
import io.linuxflow.ipfix.ElementRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AgentConfigTest {

    private static final String TEMPLATE =
            """
            templates:
            - id: 1004
              template:
              - name: SourceIPv4Address
              - name: OctetDeltaCount
            """;

    private static final String COLLECTOR =
            """
            outputs:
            - collector: {remoteAddress: '192.0.2.1:4739'}
            """;

    @TempDir private Path directory;

    private AgentConfig read(String text) throws IOException {
        return read(text, Purpose.FLOWS, null);
    }

    private AgentConfig read(String text, Purpose purpose, Integer template) throws IOException {
        return AgentConfig.read(
                Files.writeString(directory.resolve("config.yaml"), text), purpose, template);
    }

    private List<String> problems(String text, Purpose purpose, Integer template) {
        ConfigException e =
                catchThrowableOfType(ConfigException.class, () -> read(text, purpose, template));
        assertThat(e).as("nothing is wrong").isNotNull();
        return e.problems().stream()
                .map(problem -> problem.replace(directory.resolve("config.yaml").toString(), "c"))
                .toList();
    }

    private List<String> problems(String text) {
        return problems(text, Purpose.FLOWS, null);
    }

    @Test
    void theFileOfTheGoProjectHasAllItSays() throws IOException {
        AgentConfig config =
                read(
                        """
                        maxIpfixMessageLen: 100
                        timerFinishedDrainSeconds: 6
                        timerForceDrainSeconds: 31
                        timerTemplateFlushSeconds: 61
                        outputs:
                        - collector:
                            remoteAddress: 192.0.2.1:2055
                            localAddress: 0.0.0.0:50101
                        - collector:
                            remoteAddress: localhost:2100
                        - log:
                            file: /tmp/flow.log
                            hooks:
                            - name: one
                              command: /usr/bin/hook
                            - shell: |
                                #!/bin/sh
                                cat
                        templates:
                        - id: 1001
                          template:
                          - name: SourceIPv4Address
                        - id: 1004
                          template:
                          - name: SourceIPv4Address
                          - name: DestinationIPv4Address
                          - name: ProtocolIdentifier
                          - name: SourceTransportPort
                          - name: DestinationTransportPort
                          - name: IngressInterface
                          - name: OctetDeltaCount
                          - name: PacketDeltaCount
                          - name: FlowStartMilliseconds
                          - name: TcpControlBits
                        """);

        assertThat(config.maxMessageLength()).isEqualTo(100);
        assertThat(config.finishedDrain()).isEqualTo(Duration.ofSeconds(6));
        assertThat(config.forceDrain()).isEqualTo(Duration.ofSeconds(31));
        assertThat(config.templateFlush()).isEqualTo(Duration.ofSeconds(61));
        assertThat(config.outputs())
                .containsExactly(
                        new Collector(
                                new HostPort("192.0.2.1", 2055), new HostPort("0.0.0.0", 50101)),
                        new Collector(new HostPort("localhost", 2100), null),
                        new Log(
                                "/tmp/flow.log",
                                List.of(
                                        new Hook("one", "/usr/bin/hook", null),
                                        new Hook(null, null, "#!/bin/sh\ncat\n"))));
        assertThat(config.flowTemplate().id()).isEqualTo(1004);
        assertThat(config.fields()).endsWith("flowStartMilliseconds,tcpControlBits:1");
        assertThat(config.notes())
                .singleElement()
                .asString()
                .endsWith(
                        "config.yaml:23: flows are exported with template 1004, as the Go program"
                                + " does; not used: 1001 (line 20)");
    }

    @Test
    void aProblemIsSaidOnce() {
        assertThat(problems("outputs: 3\n"))
                .containsExactly(
                        "c:1: outputs: has to be a list, of items that begin with -",
                        "c:1: no outputs: give at least one collector or log");
    }

    @Test
    void theOlderFormOfItsReadmeIsTakenToo() throws IOException {
        AgentConfig config =
                read(
                        """
                        collectors:
                        - address: 10.146.0.6:2100
                        - remoteAddress: '[2001:db8::1]:4739'
                          localAddress: '[::]:0'
                        templates:
                        - id: 1024
                          template:
                          - FlowEndMilliseconds
                          - OctetDeltaCount
                        """);

        assertThat(config.collectors())
                .containsExactly(
                        new Collector(new HostPort("10.146.0.6", 2100), null),
                        new Collector(new HostPort("2001:db8::1", 4739), new HostPort("::", 0)));
        assertThat(config.flowTemplate().id()).isEqualTo(1024);
        assertThat(config.fields()).isEqualTo("flowEndMilliseconds,octetDeltaCount");
        assertThat(config.notes()).isEmpty();
    }

    @Test
    void whatIsLeftOutHasOurDefaults() throws IOException {
        AgentConfig config = read("outputs:\n- log:\n    file: stdout\n");
        assertThat(config.maxMessageLength()).isEqualTo(1400);
        assertThat(config.finishedDrain()).isEqualTo(Duration.ofSeconds(5));
        assertThat(config.forceDrain()).isEqualTo(Duration.ofSeconds(30));
        assertThat(config.templateFlush()).isEqualTo(Duration.ofSeconds(60));
        assertThat(config.notes()).isEmpty();
        assertThat(read(COLLECTOR).notes())
                .singleElement()
                .asString()
                .endsWith("has no templates: flows are exported with the default fields");
    }

    @Test
    void allThatIsWrongIsToldAtOnceInTheOrderOfTheLines() {
        assertThat(
                        problems(
                                """
                                maxIpfixMessageLength: 100
                                timerForceDrainSeconds: 0
                                timerFinishedDrainSeconds: five
                                timerTemplateFlushSeconds: [60]
                                templates:
                                - id: 255
                                  template:
                                  - name: OctetDeltaCount
                                - id: 1004
                                  template:
                                  - name: OctetDeltaCounts
                                  - nam: x
                                  - OctetDeltaCount
                                  - octetDeltaCount
                                - id: 1004
                                  template: []
                                - template: {}
                                outputs:
                                - collector:
                                    remoteAddress: 192.0.2.1:2055
                                    localAdress: 0.0.0.0:50101
                                  log:
                                    file: /tmp/x
                                - collector:
                                    remoteAddress: 192.0.2.256:2055
                                - collector:
                                    remoteAddress: collector.example
                                    localAddress: eth0:1
                                - collector:
                                    remoteAddress: '[2001:db8::1]:0'
                                - collector:
                                    remoteAddress: '[2001:db8::1]:1'
                                    localAddress: 192.0.2.1:1
                                - collector: {}
                                - log:
                                    file: file:///tmp/x
                                    hooks:
                                    - name: both
                                      command: a
                                      shell: b
                                    - name: neither
                                    - shell: docker ps --format '{{.ID}}'
                                - log:
                                - sflow: {}
                                outputs: []
                                """))
                .containsExactly(
                        "c:1: maxIpfixMessageLength: unknown key; did you mean"
                                + " maxIpfixMessageLen?",
                        "c:2: timerForceDrainSeconds: 0: has to be a number, 1 to 31536000",
                        "c:3: timerFinishedDrainSeconds: five: has to be a number, 1 to 31536000",
                        "c:4: timerTemplateFlushSeconds: has to be a number, 1 to 31536000",
                        "c:6: templates[0].id: 255: has to be a number, 256 to 65535",
                        "c:11: templates[1].template[0].name: no Information Element is called"
                                + " OctetDeltaCounts; the nearest are octetDeltaCount,"
                                + " packetDeltaCount, postOctetDeltaCount",
                        "c:12: templates[1].template[1].nam: unknown key; did you mean name?",
                        "c:12: templates[1].template[1]: name is missing",
                        "c:14: templates[1].template[3]: octetDeltaCount is in the template twice",
                        "c:15: templates[2].id: 1004 is there already, in line 9",
                        "c:16: templates[2].template: has no fields: give a list of Information"
                                + " Elements",
                        "c:17: templates[3]: id is missing: give a Template ID, 256 to 65535",
                        "c:17: templates[3].template: has to be a list, of items that begin with -",
                        "c:19: outputs[0]: is both collector and log: make two outputs of it",
                        "c:21: outputs[0].collector.localAdress: unknown key; did you mean"
                                + " localAddress?",
                        "c:25: outputs[1].collector.remoteAddress: '192.0.2.256:2055':"
                                + " 192.0.2.256 is no IPv4 address",
                        "c:27: outputs[2].collector.remoteAddress: 'collector.example' is no"
                                + " address: give HOST:PORT or [IPV6-ADDRESS]:PORT",
                        "c:28: outputs[2].collector.localAddress: 'eth0:1': give an address of"
                                + " this host, or 0.0.0.0 for any",
                        "c:30: outputs[3].collector.remoteAddress: '[2001:db8::1]:0': ports are"
                                + " from 1 to 65535",
                        "c:33: outputs[4].collector.localAddress: 192.0.2.1:1 and the remote"
                                + " address [2001:db8::1]:1 are of two IP versions",
                        "c:34: outputs[5].collector: remoteAddress is missing: give HOST:PORT",
                        "c:36: outputs[6].log.file: file:///tmp/x is a URL: give a path, stdout or"
                                + " stderr",
                        "c:38: outputs[6].log.hooks[0]: has both command and shell: make two hooks"
                                + " of it",
                        "c:41: outputs[6].log.hooks[1]: has neither command nor shell: give one of"
                                + " them",
                        "c:42: outputs[6].log.hooks[2].shell: holds {{, which Camel would replace:"
                                + " put the script into a file, and name that by command",
                        "c:43: outputs[7].log: is empty",
                        "c:43: outputs[7].log: file is missing: give a path",
                        "c:44: outputs[8].sflow: unknown key; possible are collector, log",
                        "c:45: outputs: is there already, in line 18");
    }

    @Test
    void theTemplateForFlowsHasToBeClear() {
        String two =
                COLLECTOR
                        + """
                        templates:
                        - id: 1001
                          template: [SourceIPv4Address, OctetDeltaCount]
                        - id: 1002
                          template: [DestinationIPv4Address, OctetDeltaCount]
                        """;
        assertThat(problems(two))
                .containsExactly(
                        "c:3: templates: flows are exported with one template, with the Go program"
                                + " always 1004, which is missing; choose by --template; there are"
                                + " 1001 (line 4), 1002 (line 6)");
        assertThat(problems(two, Purpose.FLOWS, 1003))
                .containsExactly(
                        "c:3: templates: there is no template 1003; there are 1001 (line 4), 1002"
                                + " (line 6)");
    }

    @Test
    void theTemplateForFlowsIsTheOneAskedFor() throws IOException {
        String two =
                COLLECTOR
                        + TEMPLATE
                        + """
                        - id: 1002
                          template: [DestinationIPv4Address, OctetDeltaCount]
                        """;
        assertThat(read(two, Purpose.FLOWS, 1002).flowTemplate().id()).isEqualTo(1002);
        assertThat(read(two, Purpose.FLOW_FILE, null).templates()).containsOnlyKeys(1004, 1002);
    }

    @Test
    void fieldsThatNoFlowHasAndMessagesThatHoldNoRecordAreToldWithTheirLines() {
        assertThat(
                        problems(
                                COLLECTOR
                                        + """
                                        templates:
                                        - id: 1004
                                          template:
                                          - OctetDeltaCount
                                          - applicationId
                                        """))
                .singleElement()
                .asString()
                .startsWith("c:7: templates[0].template[1]: can't export 'applicationId'");
        assertThat(problems(COLLECTOR + TEMPLATE + "maxIpfixMessageLen: 43\n"))
                .singleElement()
                .asString()
                .startsWith("c:8: maxIpfixMessageLen: maximum Message length 43 is out of range");
    }

    @Test
    void templatesForAFlowFileAreToldWithTheirLinesToo() {
        assertThat(
                        problems(
                                COLLECTOR
                                        + """
                                        templates:
                                        - id: 300
                                          template: []
                                        - id: 301
                                        - id: 302
                                          template: [OctetDeltaCount:9, vlanId:two, noElement]
                                        """,
                                Purpose.FLOW_FILE,
                                null))
                .containsExactly(
                        "c:5: templates[0].template: has no fields: give a list of Information"
                                + " Elements",
                        "c:6: templates[1]: template is missing: give a list of Information"
                                + " Elements",
                        "c:8: templates[2].template[0]: OctetDeltaCount:9: octetDeltaCount is"
                                + " unsigned64 and can't have length 9",
                        "c:8: templates[2].template[1]: vlanId:two: 'two' is no number of octets",
                        "c:8: templates[2].template[2]: no Information Element is called noElement;"
                                + " the nearest are "
                                + Nearest.of("noElement", ElementRegistry.iana().names().stream()));
    }

    @Test
    void messagesTooShortAreToldAlsoWhereTheFileHasOurDefaults() {
        assertThat(problems("maxIpfixMessageLen: 19\n" + COLLECTOR))
                .singleElement()
                .asString()
                .startsWith("c:1: maxIpfixMessageLen: maximum Message length 19 is out of range");
        String names = String.join(", ", ElementRegistry.iana().names());
        assertThat(
                        problems(
                                COLLECTOR + "templates:\n- {id: 300, template: [" + names + "]}\n",
                                Purpose.FLOW_FILE,
                                null))
                .singleElement()
                .asString()
                .startsWith("c:3: templates: 1400 is too little for template 300 (line 4)");
    }

    @Test
    void aMessageHasToFitIntoADatagram() throws IOException {
        assertThat(read("maxIpfixMessageLen: 65507\n" + COLLECTOR).maxMessageLength())
                .isEqualTo(65507);
        assertThat(problems("maxIpfixMessageLen: 65508\n" + COLLECTOR))
                .containsExactly("c:1: maxIpfixMessageLen: 65508: has to be a number, 1 to 65507");
    }

    @Test
    void outputsThatAreNoListAreToldOnce() {
        assertThat(problems("outputs: 1\n"))
                .containsExactly(
                        "c:1: outputs: has to be a list, of items that begin with -",
                        "c:1: no outputs: give at least one collector or log");
    }

    @Test
    void whatIsNoYamlOrNotThereIsOneLine() {
        assertThat(problems("outputs:\n- log: {file: [}\n"))
                .singleElement()
                .asString()
                .startsWith("c:2: no YAML: ");
        assertThat(problems(""))
                .containsExactly(
                        "c:1: is empty", "c:1: no outputs: give at least one collector or log");
        ConfigException e =
                catchThrowableOfType(
                        ConfigException.class,
                        () -> AgentConfig.read(Path.of("/none.yaml"), Purpose.FLOWS, null));
        assertThat(e.problems()).containsExactly("/none.yaml: there is no such file");
    }
}
