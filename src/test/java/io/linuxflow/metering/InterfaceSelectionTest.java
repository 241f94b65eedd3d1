// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.metering;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class InterfaceSelectionTest {

    @Test
    void starIsEveryDeviceOfTheOwnNamespaceButTheLoopback() {
        InterfaceSelection all = InterfaceSelection.parse("*");

        assertThat(all.namespaces()).containsExactly(InterfaceSelection.OWN_NAMESPACE);
        assertThat(all.matches("", "eth0", false)).isTrue();
        assertThat(all.matches("", "lo", true)).isFalse();
        assertThat(all.matches("ns0", "eth0", false)).isFalse();
        assertThat(all.literals("")).isEmpty();
    }

    @Test
    void theLoopbackIsMeteredWhereItIsNamed() {
        assertThat(InterfaceSelection.parse("lo").matches("", "lo", true)).isTrue();
    }

    @Test
    void itemsAreGlobsInTheirNamespace() {
        InterfaceSelection some = InterfaceSelection.parse(" eth*, ns0:veth?,ns0:wg0 ");

        assertThat(some.namespaces()).containsExactly("", "ns0");
        assertThat(some.matches("", "eth12", false)).isTrue();
        assertThat(some.matches("", "veth1", false)).isFalse();
        assertThat(some.matches("ns0", "veth1", false)).isTrue();
        assertThat(some.matches("ns0", "veth12", false)).isFalse();
        assertThat(some.matches("ns0", "eth1", false)).isFalse();
        assertThat(some.literals("ns0")).containsExactly("wg0");
    }

    @Test
    void onlyStarAndQuestionMarkAreWildcards() {
        assertThat(InterfaceSelection.parse("eth0.1").matches("", "eth0x1", false)).isFalse();
        assertThat(InterfaceSelection.parse("eth0.*").matches("", "eth0x1", false)).isFalse();
        assertThat(InterfaceSelection.parse("eth0.*").matches("", "eth0.7", false)).isTrue();
    }

    @ParameterizedTest
    @ValueSource(strings = {"", ",", ":eth0", "ns*:eth0", "eth0:", "a name", "sixteencharacters"})
    void whatCanBeNoInterfaceIsNamed(String text) {
        assertThatIllegalArgumentException()
                .isThrownBy(() -> InterfaceSelection.parse(text))
                .withMessageContaining("\"" + text.strip());
    }
}
