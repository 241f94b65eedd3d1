// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class LinksTest {

    @Test
    void theLoopbackDeviceIsListed() {
        assertThat(Links.list())
                .anySatisfy(
                        link -> {
                            assertThat(link.index()).isEqualTo(1);
                            assertThat(link.name()).isEqualTo("lo");
                            assertThat(link.layer()).isEqualTo(LinkLayer.ETHERNET);
                            assertThat(link.loopback()).isTrue();
                        });
    }

    /** ARPHRD_ types of linux/if_arp.h. */
    @ParameterizedTest
    @CsvSource({
        "1, ETHERNET",
        "772, ETHERNET",
        "65534, NONE",
        "519, NONE",
        "512, NONE",
        "768, NONE",
        "769, NONE",
        "776, NONE",
        "778, NONE",
        "823, NONE",
        "32, UNSUPPORTED",
        "280, UNSUPPORTED",
        "803, UNSUPPORTED",
    })
    void theDeviceTypeTellsTheLinkLayer(int arphrd, LinkLayer layer) {
        assertThat(LinkLayer.of(arphrd)).isEqualTo(layer);
    }
}
