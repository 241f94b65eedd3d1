// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a process can do with which capabilities, each tried in a JVM of its own. */
class CapabilitiesIT {

    private VethLab lab;

    @BeforeEach
    void open() {
        lab = new VethLab();
    }

    @AfterEach
    void close() {
        lab.close();
    }

    /** What is tried; prints what came of it. */
    public static final class Try {
        public static void main(String[] args) {
            try {
                switch (args[0]) {
                    case "meter" -> meter();
                    case "enter" -> NetworkNamespace.named(args[1]).enter();
                    default -> throw new IllegalArgumentException(args[0]);
                }
                System.out.println("fine");
            } catch (BpfException e) {
                System.out.println(e.getMessage());
            }
        }

        private static void meter() {
            try (BpfObject meter =
                    BpfObject.open(BpfObject.resource("bpf/flowmeter.bpf.o"), "flowmeter")) {
                meter.load();
                for (Hook hook : new Hook[] {Hook.TCX, Hook.CLSACT}) {
                    TcAttachment.attach(
                                    meter.program("flow_egress"),
                                    VethLab.ifindex(),
                                    Direction.EGRESS,
                                    hook,
                                    ClsactOptions.CHOSEN)
                            .close();
                }
                meter.program("read_clock").run();
                meter.map("interfaces").keys();
                meter.map("slots").mmap(false).close();
                GracePeriod.await();
            }
        }
    }

    /** Runs it in the namespace that has the device. */
    private String attempt(String capabilities, String... args) {
        List<String> command = new ArrayList<>();
        command.addAll(List.of("ip", "netns", "exec", lab.left(), "setpriv"));
        command.add("--bounding-set=-all" + capabilities);
        command.add("--inh-caps=-all" + capabilities);
        command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        if (Runtime.version().feature() >= 22) {
            command.add("--enable-native-access=ALL-UNNAMED");
            command.add("--sun-misc-unsafe-memory-access=allow");
        }
        command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp"));
        command.add(System.getProperty("java.class.path"));
        command.add(Try.class.getName());
        command.addAll(List.of(args));
        return Command.run(command.toArray(String[]::new)).strip();
    }

    @Test
    void theCapabilitiesThatTheRemedyNamesAreEnough() {
        assertThat(attempt(",+bpf,+net_admin,+perfmon", "meter")).isEqualTo("fine");
    }

    @Test
    void withoutCapabilitiesTheRemedyNamesThem() {
        assertThat(attempt("", "meter"))
                .isEqualTo(
                        "load the BPF object flowmeter: Operation not permitted (EPERM). Run as"
                                + " root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON;"
                                + " kernel.unprivileged_bpf_disabled=0 does not replace them");
    }

    @Test
    void withoutTheCapabilityToAttachTheRemedyNamesIt() {
        assertThat(attempt(",+bpf,+perfmon", "meter"))
                .startsWith("load the BPF object flowmeter: Operation not permitted (EPERM")
                .contains("CAP_NET_ADMIN");
    }

    @Test
    void enteringANamespaceTakesAnotherCapability() {
        assertThat(attempt(",+bpf,+net_admin,+perfmon", "enter", lab.right()))
                .isEqualTo(
                        "enter the network namespace %s: Operation not permitted (EPERM). Run as"
                                + " root or with CAP_SYS_ADMIN",
                        lab.right());
        assertThat(attempt(",+sys_admin", "enter", lab.right())).isEqualTo("fine");
    }
}
