// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.bpf;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class ClsactOptionsTest {

    @Test
    void whatTcCannotHaveIsRefused() {
        assertThatThrownBy(() -> new ClsactOptions(65536, 0, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a tc priority is 0 to 65535, not 65536");
        assertThatThrownBy(() -> new ClsactOptions(1, -1, 0))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a tc handle is not negative: -1");
        assertThatThrownBy(() -> new ClsactOptions(1, 1, 1 << 28))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("a tc chain is 0 to 268435455, not 268435456");
    }
}
