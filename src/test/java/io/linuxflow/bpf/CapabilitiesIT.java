// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

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

    /** Runs it in the namespace that has the device. */
    private String attempt(String capabilities, String... args) {
        return ChildJvm.run(
                List.of(
                        "ip",
                        "netns",
                        "exec",
                        lab.left(),
                        "setpriv",
                        "--bounding-set=-all" + capabilities,
                        "--inh-caps=-all" + capabilities),
                args);
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
