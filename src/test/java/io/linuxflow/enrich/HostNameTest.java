// SPDX-License-Identifier: Apache-2.0
package io.linuxflow.enrich;

import static io.linuxflow.enrich.Batches.value;
import static org.assertj.core.api.Assertions.assertThat;

import io.linuxflow.flow.FlowBatch;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class HostNameTest {

    @Test
    void allFlowsHaveTheNameThatTheKernelHas() throws Exception {
        FlowBatch batch =
                new Batches().flow("10.0.0.1", "10.0.0.2").flow("fd00::1", "fd00::2").batch();

        FlowBatch enriched = new HostName().enrich(batch);

        String name = Files.readString(Path.of("/proc/sys/kernel/hostname")).strip();
        assertThat(value(enriched, "hostName", 0)).isEqualTo(name);
        assertThat(enriched.column("hostName").value(1))
                .isSameAs(enriched.column("hostName").value(0));
    }
}
