// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class BpfExceptionTest {

    @Test
    void theMessageIsOperationProblemAndRemedy() {
        BpfException exception = BpfException.of("do it", LibC.EMFILE);

        assertThat(exception)
                .hasMessage(
                        "do it: Too many open files (EMFILE). Allow more open files (ulimit -n)");
        assertThat(exception.operation()).isEqualTo("do it");
        assertThat(exception.errno()).isEqualTo(24);
        assertThat(exception.remedy()).isEqualTo("Allow more open files (ulimit -n)");
        assertThat(exception.verifierLog()).isNull();
    }

    @Test
    void withoutARemedyTheMessageEndsWithTheProblem() {
        assertThat(BpfException.of("do it", "it is done already", ""))
                .hasMessage("do it: it is done already");
    }

    @ParameterizedTest
    @CsvSource({
        "1, CAP_BPF",
        "1, CAP_NET_ADMIN",
        "1, kernel.unprivileged_bpf_disabled=0 does not replace them",
        "12, memory.max",
        "19, network namespace",
        "22, 5.15 is the oldest supported",
        "524, 5.15 is the oldest supported",
    })
    void aKnownErrnoHasARemedy(int errno, String remedy) {
        assertThat(BpfException.of("do it", errno).remedy()).contains(remedy);
    }

    @ParameterizedTest
    @CsvSource({
        "1, Operation not permitted (EPERM)",
        "524, Unknown error 524 (errno 524)",
        "4001, BPF object format invalid (4001)",
    })
    void errnosAreSpelledOut(int errno, String text) {
        assertThat(BpfException.describe(errno)).isEqualTo(text);
    }

    @Test
    void aMissingLibraryIsNamedAndHowToInstallIt() {
        assertThatThrownBy(() -> LibBpf.library("libbpf-missing.so.1").functions())
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith("load the library libbpf-missing.so.1: ")
                .hasMessageContaining("apt install libbpf1");
    }
}
