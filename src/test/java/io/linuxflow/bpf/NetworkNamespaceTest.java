// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkNamespaceTest {

    @Test
    void theCurrentOneHasAnIdAndNoName() {
        try (NetworkNamespace first = NetworkNamespace.current();
                NetworkNamespace second = NetworkNamespace.current()) {
            assertThat(first.id()).isPositive().isEqualTo(second.id());
            assertThat(first.name()).isNull();
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"no-such-namespace", "", "../netns", "."})
    void anUnknownNameIsRefused(String name) {
        assertThatThrownBy(() -> NetworkNamespace.named(name))
                .isInstanceOf(BpfException.class)
                .hasMessageStartingWith(
                        "find the network namespace " + name + ": there is none of that name. ");
    }
}
